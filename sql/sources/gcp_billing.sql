-- gcp_billing: Google Cloud Billing exports to BigQuery, to charges.
-- A row is one line of the export without its credits, which gcp_billing_credits makes charges of. A billing period is
-- an invoice month: it starts at midnight in Los Angeles, in summer time from April's to November's.
-- x_SourceChanges: unit, category (the service is not in the list), number, type (an unknown cost_type).

SELECT
    s.x_BillingPeriod, s.x_Batch, s.x_TagText, s.x_Kept, 'gcp' AS x_Provider, s.cost_type AS x_LineItemType,
    nullif(concat_ws(
        ' ',
        CASE WHEN used.FocusUnit IS NOT NULL OR priced.FocusUnit IS NOT NULL THEN 'unit' END,
        CASE WHEN services.ServiceCategory IS NULL THEN 'category' END,
        CASE WHEN s.x_Noted THEN 'number' END,
        CASE WHEN coalesce(s.cost_type, 'regular') NOT IN ('regular', 'tax', 'adjustment', 'rounding_error') THEN 'type' END
    ), '') AS x_SourceChanges,
    s.cost AS BilledCost,
    s.cost AS EffectiveCost,
    coalesce(s.cost_at_list, s.cost) AS ListCost,
    s.cost AS ContractedCost,
    s.price_list_price AS ListUnitPrice,
    s.price_effective_price AS ContractedUnitPrice,
    s.billing_account_id AS BillingAccountId,
    s.currency AS BillingCurrency,
    CASE WHEN s.currency_conversion_rate IS NULL THEN s.currency ELSE 'USD' END AS PricingCurrency,
    CASE WHEN s.currency = 'USD' THEN s.price_effective_price END AS PricingCurrencyContractedUnitPrice,
    CASE WHEN s.currency = 'USD' THEN s.cost END AS PricingCurrencyEffectiveCost,
    CASE WHEN s.currency = 'USD' THEN s.price_list_price END AS PricingCurrencyListUnitPrice,
    los_angeles_midnight(CAST(s.x_BillingPeriod || '-01' AS TIMESTAMP)) AS BillingPeriodStart,
    los_angeles_midnight(CAST(s.x_BillingPeriod || '-01' AS TIMESTAMP) + INTERVAL 1 MONTH) AS BillingPeriodEnd,
    s.usage_start_time AS ChargePeriodStart,
    s.usage_end_time AS ChargePeriodEnd,
    CASE coalesce(s.cost_type, 'regular') WHEN 'regular' THEN 'Usage' WHEN 'tax' THEN 'Tax' ELSE 'Adjustment' END
        AS ChargeCategory,
    CASE
        WHEN coalesce(s.adjustment_info_id, s.adjustment_info_type, s.adjustment_info_mode, s.adjustment_info_description)
            IS NOT NULL THEN 'Correction'
    END AS ChargeClass,
    s.sku_description AS ChargeDescription,
    CASE WHEN coalesce(s.cost_type, 'regular') IN ('regular', 'tax') THEN 'Usage-Based' ELSE 'One-Time' END
        AS ChargeFrequency,
    s.subscription_instance_id AS CommitmentDiscountId,
    CASE
        WHEN s.subscription_instance_id IS NULL THEN NULL
        WHEN s.x_CreditCommitment IS NULL AND lower(s.sku_description) LIKE '%dollar based%' THEN 'Spend'
        ELSE coalesce(s.x_CreditCommitment, 'Usage')
    END AS CommitmentDiscountCategory,
    CASE WHEN s.subscription_instance_id IS NOT NULL THEN 'Committed Use Discount' END AS CommitmentDiscountType,
    CASE WHEN coalesce(s.cost_type, 'regular') = 'regular' THEN s.usage_amount END AS ConsumedQuantity,
    CASE WHEN coalesce(s.cost_type, 'regular') = 'regular' THEN coalesce(used.FocusUnit, s.usage_unit) END AS ConsumedUnit,
    s.usage_amount_in_pricing_units AS PricingQuantity,
    coalesce(priced.FocusUnit, s.usage_pricing_unit, s.price_unit) AS PricingUnit,
    CASE
        WHEN s.cost_type = 'tax' THEN NULL
        WHEN lower(s.sku_description) LIKE 'commitment%' OR s.x_CreditCommitment IS NOT NULL THEN 'Committed'
        ELSE 'Standard'
    END AS PricingCategory,
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
    s.billing_account_id || '/' || s.sku_id || '/' || plain_number(s.price_tier_start_amount) AS SkuPriceId,
    s.project_id AS SubAccountId, s.project_name AS SubAccountName
FROM staged AS s
LEFT JOIN gcp_services AS services ON services.ServiceDescription = s.service_description
LEFT JOIN gcp_regions AS regions ON regions.RegionId = lower(coalesce(s.location_region, s.location_location))
LEFT JOIN gcp_units AS used ON used.Unit = s.usage_unit
LEFT JOIN gcp_units AS priced ON priced.Unit = coalesce(s.usage_pricing_unit, s.price_unit)
WHERE s.x_Problem IS NULL
