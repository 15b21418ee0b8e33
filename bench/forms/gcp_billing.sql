-- gcp_billing: the made-up charges as BigQuery's detailed export, nested.
-- A row is one charge; a tenth has a credit, and 240 batches brought them.

SELECT
    BillingAccountId AS billing_account_id,
    {'id': x_ServiceCode, 'description': ServiceName} AS service,
    {'id': SkuId, 'description': ChargeDescription} AS sku,
    ChargePeriodStart AS usage_start_time,
    ChargePeriodEnd AS usage_end_time,
    {
        'id': SubAccountId, 'name': SubAccountName, 'ancestry_numbers': '/1234567/',
        'labels': [{'key': 'env', 'value': Tags['env']}]
    } AS project,
    [{'key': 'team', 'value': Tags['team']}, {'key': 'app', 'value': Tags['app']}] AS labels,
    [{'key': 'compute.googleapis.com/cores', 'value': '4'}] AS system_labels,
    {'location': RegionId, 'country': 'US', 'region': RegionId, 'zone': AvailabilityZone} AS location,
    {'name': split_part(ResourceId, '/', 2), 'global_name': concat('//compute.googleapis.com/projects/', SubAccountId,
        '/zones/', AvailabilityZone, '/instances/', split_part(ResourceId, '/', 2))} AS resource,
    CAST(CAST(ChargePeriodStart AS DATE) AS TIMESTAMP) + to_hours(24 + length(ServiceName) % 8) AS export_time,
    CAST(ListCost AS DOUBLE) AS cost,
    BillingCurrency AS currency,
    CAST(1 AS DOUBLE) AS currency_conversion_rate,
    {
        'amount': CAST(ConsumedQuantity AS DOUBLE), 'unit': 'seconds',
        'amount_in_pricing_units': CAST(PricingQuantity AS DOUBLE), 'pricing_unit': 'hour'
    } AS usage,
    CASE
        WHEN CommitmentDiscountId IS NOT NULL THEN [{
            'name': 'Committed Usage Discount', 'amount': CAST(EffectiveCost - ListCost AS DOUBLE),
            'full_name': 'CUD', 'id': 'cud-1', 'type': 'COMMITTED_USAGE_DISCOUNT'
        }]
        ELSE []
    END AS credits,
    {'month': strftime(BillingPeriodStart, '%Y%m')} AS invoice,
    'regular' AS cost_type
FROM charges
