-- oci_cost: OCI cost reports to charges.
-- A row is one line: a resource's use of a SKU in an interval. BilledCost and EffectiveCost are cost/myCost; Oracle
-- states neither list prices nor commitments, so ListCost and ContractedCost are that cost, too.
-- x_SourceChanges: currency (filled in from the file), cost (none and no price: 0), unit, category, number.

WITH lines AS (
    SELECT
        *,
        coalesce(cost_sku_unit_description, cost_billing_unit_readable) AS unit,
        lower(replace(replace(product_service, '_', ''), ' ', '')) AS service_key,
        nullif(regexp_extract(lower(product_resource_id), '^ocid[0-9]+[.]([^.]+)[.]', 1), '') AS resource_type
    FROM staged
    WHERE x_Problem IS NULL
)

SELECT
    l.x_BillingPeriod, l.x_TagText, l.x_Kept,
    'oci' AS x_Provider,
    CAST(NULL AS VARCHAR) AS x_LineItemType,
    'oci:' || lower(replace(l.product_service, ' ', '_')) || '/' || l.resource_type AS x_ResourceType,
    nullif(concat_ws(
        ' ',
        CASE WHEN l.x_CurrencyFilled THEN 'currency' END,
        CASE WHEN l.x_CostFilled THEN 'cost' END,
        CASE WHEN units.FocusUnit IS NOT NULL THEN 'unit' END,
        CASE WHEN services.ServiceCategory IS NULL THEN 'category' END,
        CASE WHEN l.x_Noted THEN 'number' END
    ), '') AS x_SourceChanges,
    l.cost_my_cost AS BilledCost,
    l.cost_my_cost AS EffectiveCost,
    l.cost_my_cost AS ListCost,
    l.cost_my_cost AS ContractedCost,
    l.cost_unit_price AS ContractedUnitPrice,
    coalesce(l.cost_subscription_id, l.line_item_tenant_id) AS BillingAccountId,
    l.cost_currency_code AS BillingCurrency,
    CAST(date_trunc('month', l.line_item_interval_usage_start) AS TIMESTAMP) AS BillingPeriodStart,
    CAST(date_trunc('month', l.line_item_interval_usage_start) + INTERVAL 1 MONTH AS TIMESTAMP) AS BillingPeriodEnd,
    l.line_item_interval_usage_start AS ChargePeriodStart,
    l.line_item_interval_usage_end AS ChargePeriodEnd,
    'Usage' AS ChargeCategory,
    CASE WHEN lower(l.line_item_is_correction) = 'true' THEN 'Correction' END AS ChargeClass,
    l.product_description AS ChargeDescription,
    'Usage-Based' AS ChargeFrequency,
    l.usage_billed_quantity AS ConsumedQuantity,
    coalesce(units.FocusUnit, l.unit) AS ConsumedUnit,
    l.usage_billed_quantity AS PricingQuantity,
    coalesce(units.FocusUnit, l.unit) AS PricingUnit,
    'Oracle' AS InvoiceIssuerName,
    'Oracle' AS ProviderName,
    'Oracle' AS ServiceProviderName,
    'Oracle' AS HostProviderName,
    'Oracle' AS PublisherName,
    l.product_region AS RegionId,
    l.product_region AS RegionName,
    l.product_availability_domain AS AvailabilityZone,
    l.product_resource_id AS ResourceId,
    l.resource_type AS ResourceType,
    coalesce(services.ServiceCategory, 'Other') AS ServiceCategory,
    l.product_service AS ServiceName,
    l.cost_product_sku AS SkuId,
    coalesce(l.product_compartment_id, l.line_item_tenant_id) AS SubAccountId,
    l.product_compartment_name AS SubAccountName
FROM lines AS l
LEFT JOIN oci_services AS services ON services.ServiceKey = l.service_key
LEFT JOIN oci_units AS units ON units.SkuUnit = l.unit
