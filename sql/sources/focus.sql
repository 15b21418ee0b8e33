-- focus: FOCUS Cost and Usage exports, 1.0 to 1.4, to charges.
-- A row is one charge; it is taken as the provider wrote it. Only spellings are brought to the specification's
-- (x_SourceChanges: enum), and what could not be read as a number is NULL (number).

WITH named AS (
    SELECT
        *,
        coalesce(ServiceProviderName, ProviderName, InvoiceIssuerName, 'unknown') AS provider_name
    FROM staged
)

SELECT
    s.x_BillingPeriod,
    s.x_TagText,
    s.x_Kept,
    s.x_ResourceType,
    coalesce(providers.x_Provider, lower(trim(s.provider_name))) AS x_Provider,
    CAST(NULL AS VARCHAR) AS x_LineItemType,
    nullif(concat_ws(
        ' ',
        CASE WHEN s.ChargeCategory <> category.spelling OR s.ChargeFrequency <> frequency.spelling THEN 'enum' END,
        CASE WHEN s.x_Noted THEN 'number' END
    ), '') AS x_SourceChanges,
    coalesce(category.spelling, s.ChargeCategory) AS ChargeCategory,
    coalesce(frequency.spelling, s.ChargeFrequency) AS ChargeFrequency,
    s.AllocatedMethodDetails, s.AllocatedMethodId, s.AllocatedResourceId, s.AllocatedResourceName, s.AllocatedTags,
    s.AvailabilityZone, s.BilledCost, s.BillingAccountId, s.BillingAccountName, s.BillingAccountType,
    s.BillingCurrency, s.BillingPeriodEnd, s.BillingPeriodStart, s.CapacityReservationId,
    s.CapacityReservationStatus, s.ChargeClass, s.ChargeDescription, s.ChargePeriodEnd, s.ChargePeriodStart,
    s.CommitmentDiscountCategory, s.CommitmentDiscountId, s.CommitmentDiscountName, s.CommitmentDiscountQuantity,
    s.CommitmentDiscountStatus, s.CommitmentDiscountType, s.CommitmentDiscountUnit,
    s.CommitmentProgramEligibilityDetails, s.ConsumedQuantity, s.ConsumedUnit, s.ContractApplied, s.ContractedCost,
    s.ContractedUnitPrice, s.EffectiveCost, s.HostProviderName, s.InvoiceDetailId, s.InvoiceId, s.InvoiceIssuerName,
    s.ListCost, s.ListUnitPrice, s.PricingCategory, s.PricingCurrency, s.PricingCurrencyContractedUnitPrice,
    s.PricingCurrencyEffectiveCost, s.PricingCurrencyListUnitPrice, s.PricingQuantity, s.PricingUnit,
    s.ProviderName, s.PublisherName, s.RegionId, s.RegionName, s.ResourceId, s.ResourceName, s.ResourceType,
    s.ServiceCategory, s.ServiceName, s.ServiceProviderName, s.ServiceSubcategory, s.SkuId, s.SkuMeter,
    s.SkuPriceDetails, s.SkuPriceId, s.SubAccountId, s.SubAccountName, s.SubAccountType
FROM named AS s
LEFT JOIN provider_names AS providers ON providers.alias = lower(trim(s.provider_name))
LEFT JOIN spellings AS category ON category.lower_spelling = lower(s.ChargeCategory)
LEFT JOIN spellings AS frequency ON frequency.lower_spelling = lower(s.ChargeFrequency)
WHERE s.x_Problem IS NULL
