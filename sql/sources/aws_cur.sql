-- aws_cur: AWS Cost and Usage Reports, legacy and 2.0, to charges.
-- A row is one line item. Usage covered by a savings plan bills 0 where the delivery carries the negations that
-- cancel it (those rows fold into it); EffectiveCost goes by the line item's type.
-- x_SourceChanges: covered (billed 0 by that rule), unit, category, number, type (an unknown LineItemType), period_end.

WITH negations AS (
    SELECT DISTINCT x_BillingPeriod
    FROM staged
    WHERE line_item_line_item_type = 'SavingsPlanNegation' AND x_Problem IS NULL
),

lines AS (
    SELECT
        s.*,
        n.x_BillingPeriod IS NOT NULL AND s.line_item_line_item_type = 'SavingsPlanCoveredUsage' AS is_folded,
        coalesce(s.line_item_net_unblended_cost, s.line_item_unblended_cost) AS unblended_cost,
        coalesce(s.savings_plan_net_savings_plan_effective_cost, s.savings_plan_savings_plan_effective_cost) AS plan_cost,
        coalesce(s.reservation_net_effective_cost, s.reservation_effective_cost) AS reserved_cost,
        coalesce(s.savings_plan_savings_plan_a_r_n, s.reservation_reservation_a_r_n) AS commitment,
        coalesce(s.product_product_name, json_extract_string(s.product, '$.product_name')) AS product_name,
        s.line_item_resource_id LIKE 'arn:%' AS has_arn
    FROM staged AS s
    LEFT JOIN negations AS n ON n.x_BillingPeriod = s.x_BillingPeriod
    WHERE s.x_Problem IS NULL AND s.line_item_line_item_type <> 'SavingsPlanNegation'
)

SELECT
    l.x_BillingPeriod, l.x_TagText, l.x_Kept, 'aws' AS x_Provider, l.line_item_line_item_type AS x_LineItemType,
    CASE WHEN l.line_item_product_code = 'AmazonS3' AND NOT l.has_arn THEN 'aws:s3/bucket' END AS x_ResourceType,
    nullif(concat_ws(
        ' ',
        CASE WHEN l.is_folded THEN 'covered' END,
        CASE WHEN units.FocusUnit IS NOT NULL THEN 'unit' END,
        CASE WHEN services.ServiceCategory IS NULL THEN 'category' END,
        CASE WHEN l.x_Noted THEN 'number' END,
        CASE WHEN types.ChargeCategory IS NULL THEN 'type' END,
        CASE WHEN second(l.bill_billing_period_end_date) = 59 THEN 'period_end' END
    ), '') AS x_SourceChanges,
    CASE WHEN l.is_folded THEN 0 ELSE l.unblended_cost END AS BilledCost,
    CASE l.line_item_line_item_type
        WHEN 'DiscountedUsage' THEN coalesce(l.reserved_cost, l.unblended_cost)
        WHEN 'SavingsPlanCoveredUsage' THEN coalesce(l.plan_cost, l.unblended_cost)
        WHEN 'SavingsPlanRecurringFee' THEN
            coalesce(l.savings_plan_total_commitment_to_date - l.savings_plan_used_commitment, 0)
        WHEN 'SavingsPlanUpfrontFee' THEN 0
        WHEN 'RIFee' THEN
            coalesce(l.reservation_net_unused_amortized_upfront_fee_for_billing_period,
                l.reservation_unused_amortized_upfront_fee_for_billing_period, 0)
            + coalesce(l.reservation_net_unused_recurring_fee, l.reservation_unused_recurring_fee, 0)
        WHEN 'Fee' THEN CASE WHEN l.reservation_reservation_a_r_n IS NULL THEN l.unblended_cost ELSE 0 END
        ELSE l.unblended_cost
    END AS EffectiveCost,
    CASE WHEN types.ChargeCategory = 'Usage' THEN coalesce(l.pricing_public_on_demand_cost, l.unblended_cost)
        ELSE l.unblended_cost END AS ListCost,
    CASE l.line_item_line_item_type WHEN 'DiscountedUsage' THEN coalesce(l.pricing_public_on_demand_cost, l.unblended_cost)
        ELSE l.unblended_cost END AS ContractedCost,
    l.line_item_unblended_rate AS ContractedUnitPrice, l.pricing_public_on_demand_rate AS ListUnitPrice,
    l.bill_payer_account_id AS BillingAccountId, l.bill_payer_account_name AS BillingAccountName,
    l.line_item_currency_code AS BillingCurrency, l.pricing_currency AS PricingCurrency,
    l.bill_billing_period_start_date AS BillingPeriodStart,
    l.bill_billing_period_end_date + to_seconds(CASE WHEN second(l.bill_billing_period_end_date) = 59 THEN 1 ELSE 0 END)
        AS BillingPeriodEnd,
    l.line_item_usage_start_date AS ChargePeriodStart, l.line_item_usage_end_date AS ChargePeriodEnd,
    CASE WHEN l.line_item_line_item_type = 'Refund' AND (l.commitment IS NOT NULL OR l.line_item_usage_type IS NULL)
        THEN 'Purchase' ELSE coalesce(types.ChargeCategory, 'Adjustment') END AS ChargeCategory,
    types.ChargeClass, l.line_item_line_item_description AS ChargeDescription,
    coalesce(types.ChargeFrequency, 'Usage-Based') AS ChargeFrequency,
    l.commitment AS CommitmentDiscountId,
    CASE WHEN l.savings_plan_savings_plan_a_r_n IS NOT NULL THEN 'Spend'
        WHEN l.reservation_reservation_a_r_n IS NOT NULL THEN 'Usage' END AS CommitmentDiscountCategory,
    CASE WHEN l.savings_plan_savings_plan_a_r_n IS NOT NULL THEN 'Savings Plan'
        WHEN l.reservation_reservation_a_r_n IS NOT NULL THEN 'Reserved Instance' END AS CommitmentDiscountType,
    types.CommitmentDiscountStatus,
    CASE WHEN types.ChargeCategory = 'Usage' THEN l.line_item_usage_amount END AS ConsumedQuantity,
    CASE WHEN types.ChargeCategory = 'Usage' THEN coalesce(units.FocusUnit, l.pricing_unit) END AS ConsumedUnit,
    l.line_item_usage_amount AS PricingQuantity, coalesce(units.FocusUnit, l.pricing_unit) AS PricingUnit,
    CASE WHEN types.ChargeCategory = 'Tax' THEN NULL WHEN types.CommitmentDiscountStatus IS NOT NULL THEN 'Committed'
        WHEN l.line_item_usage_type LIKE '%SpotUsage%' THEN 'Dynamic' ELSE 'Standard' END AS PricingCategory,
    l.bill_invoice_id AS InvoiceId, coalesce(l.bill_invoicing_entity, l.line_item_legal_entity) AS InvoiceIssuerName,
    'AWS' AS ProviderName, 'AWS' AS ServiceProviderName, 'AWS' AS HostProviderName,
    coalesce(l.line_item_legal_entity, 'AWS') AS PublisherName,
    coalesce(l.product_region_code, l.product_region) AS RegionId, l.product_location AS RegionName,
    l.line_item_availability_zone AS AvailabilityZone, l.line_item_resource_id AS ResourceId,
    CASE WHEN services.ServiceCategory = 'Compute' AND l.line_item_product_code = 'AmazonEC2'
            AND (l.product_product_family LIKE 'Storage%' OR l.line_item_usage_type LIKE '%EBS:%') THEN 'Storage'
        ELSE coalesce(services.ServiceCategory, 'Other') END AS ServiceCategory,
    coalesce(l.product_name, services.ServiceName, l.line_item_product_code) AS ServiceName,
    l.product_sku AS SkuId, l.line_item_usage_type AS SkuMeter,
    coalesce(l.pricing_rate_code, l.pricing_rate_id) AS SkuPriceId,
    coalesce(l.line_item_usage_account_id, l.bill_payer_account_id) AS SubAccountId,
    l.line_item_usage_account_name AS SubAccountName
FROM lines AS l
LEFT JOIN aws_line_item_types AS types ON types.LineItemType = l.line_item_line_item_type
LEFT JOIN aws_services AS services ON services.ProductCode = l.line_item_product_code
LEFT JOIN aws_units AS units ON units.PricingUnit = l.pricing_unit
