-- focus_preview: FOCUS Cost and Usage of 0.5 and 1.0-preview to charges of FOCUS 1.0 and later.
-- A row is one charge. What ChargeSubcategory said is said by ChargeCategory, ChargeClass and CommitmentDiscountStatus
-- since 1.0; Region became RegionId and RegionName; two values of PricingCategory have other names.
-- x_SourceChanges: subcategory (ChargeCategory follows from it), enum, region (RegionId is the name made an id), number.

WITH named AS (
    SELECT
        *,
        coalesce(ProviderName, InvoiceIssuerName, 'unknown') AS provider_name,
        lower(replace(coalesce(ChargeSubcategory, ''), '-', ' ')) AS subcategory,
        lower(replace(Region, ' ', '')) AS region_id,
        nullif(regexp_extract(lower(ResourceId), '^ocid[0-9]+[.]([^.]+)[.]', 1), '') AS oci_type
    FROM staged
    WHERE x_Problem IS NULL
),

spelled AS (
    SELECT
        n.*,
        coalesce(category.spelling, n.ChargeCategory) AS category,
        coalesce(frequency.spelling, n.ChargeFrequency) AS frequency,
        CASE lower(n.PricingCategory)
            WHEN 'on-demand' THEN 'Standard' WHEN 'commitment-based' THEN 'Committed' ELSE n.PricingCategory
        END AS pricing,
        CASE
            WHEN n.subcategory = 'credit' THEN 'Credit'
            WHEN n.subcategory = 'refund' AND n.CommitmentDiscountId IS NOT NULL THEN 'Purchase'
            WHEN n.subcategory = 'refund' THEN 'Usage'
        END AS category_by_subcategory
    FROM named AS n
    LEFT JOIN spellings AS category ON category.lower_spelling = lower(n.ChargeCategory)
    LEFT JOIN spellings AS frequency ON frequency.lower_spelling = lower(n.ChargeFrequency)
)

SELECT
    s.x_BillingPeriod, s.x_TagText, s.x_Kept,
    coalesce(
        s.x_ResourceType,
        CASE WHEN s.oci_type IS NOT NULL THEN 'oci:' || lower(replace(s.ServiceName, ' ', '_')) || '/' || s.oci_type END
    ) AS x_ResourceType,
    coalesce(providers.x_Provider, lower(trim(s.provider_name))) AS x_Provider,
    CAST(NULL AS VARCHAR) AS x_LineItemType,
    nullif(concat_ws(
        ' ',
        CASE WHEN s.category_by_subcategory <> s.category THEN 'subcategory' END,
        CASE WHEN s.ChargeCategory <> s.category OR s.ChargeFrequency <> s.frequency OR s.PricingCategory <> s.pricing
            THEN 'enum' END,
        CASE WHEN s.region_id <> s.Region THEN 'region' END,
        CASE WHEN s.x_Noted THEN 'number' END
    ), '') AS x_SourceChanges,
    coalesce(s.category_by_subcategory, s.category) AS ChargeCategory,
    CASE WHEN s.subcategory = 'refund' THEN 'Correction' END AS ChargeClass,
    CASE s.subcategory WHEN 'used commitment' THEN 'Used' WHEN 'unused commitment' THEN 'Unused' END
        AS CommitmentDiscountStatus,
    s.frequency AS ChargeFrequency,
    s.pricing AS PricingCategory,
    s.region_id AS RegionId,
    s.Region AS RegionName,
    s.AvailabilityZone, s.BilledCost, s.BillingAccountId, s.BillingAccountName, s.BillingAccountType,
    s.BillingCurrency, s.BillingPeriodEnd, s.BillingPeriodStart, s.ChargeDescription, s.ChargePeriodEnd,
    s.ChargePeriodStart, s.CommitmentDiscountCategory, s.CommitmentDiscountId, s.CommitmentDiscountName,
    s.CommitmentDiscountType, s.ConsumedQuantity, s.ConsumedUnit, s.ContractedCost, s.ContractedUnitPrice,
    s.EffectiveCost, s.InvoiceId, s.InvoiceIssuerName, s.ListCost, s.ListUnitPrice, s.PricingCurrency,
    s.PricingQuantity, s.PricingUnit, s.ProviderName, s.PublisherName, s.ResourceId, s.ResourceName, s.ResourceType,
    s.ServiceCategory, s.ServiceName, s.SkuId, s.SkuPriceId, s.SubAccountId, s.SubAccountName, s.SubAccountType
FROM spelled AS s
LEFT JOIN provider_names AS providers ON providers.alias = lower(trim(s.provider_name))
