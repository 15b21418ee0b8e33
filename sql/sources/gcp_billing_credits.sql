-- gcp_billing_credits: the credits of Google Cloud's rows, as charges.
-- A row is one credit of one line of the export, negative, so that the sum of both is the net cost. List and contracted
-- cost are those of the line's own charge: a credit adds nothing to them.

SELECT
    s.x_BillingPeriod, s.x_Batch, s.x_TagText, s.x_Kept, 'gcp' AS x_Provider, c.CreditType AS x_LineItemType,
    nullif(concat_ws(
        ' ',
        CASE WHEN services.ServiceCategory IS NULL THEN 'category' END
    ), '') AS x_SourceChanges,
    c.Amount AS BilledCost,
    c.Amount AS EffectiveCost,
    CAST(0 AS DECIMAL(38, 18)) AS ListCost,
    CAST(0 AS DECIMAL(38, 18)) AS ContractedCost,
    s.billing_account_id AS BillingAccountId,
    s.currency AS BillingCurrency,
    CASE WHEN s.currency_conversion_rate IS NULL THEN s.currency ELSE 'USD' END AS PricingCurrency,
    CASE WHEN s.currency = 'USD' THEN c.Amount END AS PricingCurrencyEffectiveCost,
    los_angeles_midnight(CAST(s.x_BillingPeriod || '-01' AS TIMESTAMP)) AS BillingPeriodStart,
    los_angeles_midnight(CAST(s.x_BillingPeriod || '-01' AS TIMESTAMP) + INTERVAL 1 MONTH) AS BillingPeriodEnd,
    s.usage_start_time AS ChargePeriodStart,
    s.usage_end_time AS ChargePeriodEnd,
    'Credit' AS ChargeCategory,
    CASE
        WHEN coalesce(s.adjustment_info_id, s.adjustment_info_type, s.adjustment_info_mode, s.adjustment_info_description)
            IS NOT NULL THEN 'Correction'
    END AS ChargeClass,
    coalesce(c.FullName, c.CreditName, c.CreditId, c.CreditType) AS ChargeDescription,
    'One-Time' AS ChargeFrequency,
    CASE WHEN c.Commitment IS NOT NULL THEN coalesce(s.subscription_instance_id, c.CreditId) END AS CommitmentDiscountId,
    CASE WHEN c.Commitment IS NOT NULL THEN coalesce(c.FullName, c.CreditName) END AS CommitmentDiscountName,
    c.Commitment AS CommitmentDiscountCategory,
    CASE WHEN c.Commitment IS NOT NULL THEN 'Committed Use Discount' END AS CommitmentDiscountType,
    CASE WHEN c.Commitment IS NOT NULL THEN 'Used' END AS CommitmentDiscountStatus,
    CASE WHEN c.Commitment IS NOT NULL THEN 'Committed' ELSE 'Standard' END AS PricingCategory,
    'Google Cloud' AS InvoiceIssuerName, 'Google Cloud' AS ProviderName, 'Google Cloud' AS ServiceProviderName,
    'Google Cloud' AS HostProviderName,
    CASE WHEN coalesce(s.transaction_type, 'GOOGLE') = 'GOOGLE' THEN 'Google Cloud'
        ELSE coalesce(s.seller_name, 'Google Cloud') END AS PublisherName,
    coalesce(s.location_region, s.location_location) AS RegionId, regions.RegionName,
    s.location_zone AS AvailabilityZone,
    s.resource_global_name AS ResourceId, s.resource_name AS ResourceName,
    nullif(regexp_extract(s.resource_global_name, '/([^/]+)/[^/]+$', 1), '') AS ResourceType,
    coalesce(services.ServiceCategory, 'Other') AS ServiceCategory,
    coalesce(s.service_description, s.service_id) AS ServiceName,
    s.sku_id AS SkuId, s.sku_description AS SkuMeter,
    s.project_id AS SubAccountId, s.project_name AS SubAccountName
FROM staged AS s
INNER JOIN staged_credits AS c ON c.CreditText = s.credits
LEFT JOIN gcp_services AS services ON services.ServiceDescription = s.service_description
LEFT JOIN gcp_regions AS regions ON regions.RegionId = lower(coalesce(s.location_region, s.location_location))
WHERE s.x_Problem IS NULL
