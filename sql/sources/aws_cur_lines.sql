-- aws_cur_lines: the line items of an AWS Cost and Usage Report with what several FOCUS columns are made of.
-- A row is one line item that becomes a charge: negations of savings plans are left out, they fold into what they cover.
-- unblended_cost is the net one where the row has it, and gross_cost the one before negotiated discounts.

WITH negations AS (
    SELECT DISTINCT x_BillingPeriod FROM staged
    WHERE line_item_line_item_type = 'SavingsPlanNegation' AND x_Problem IS NULL
),

lines AS (
    SELECT
        s.*,
        n.x_BillingPeriod IS NOT NULL AND s.line_item_line_item_type = 'SavingsPlanCoveredUsage' AS is_folded,
        coalesce(s.line_item_net_unblended_cost, s.line_item_unblended_cost) AS unblended_cost,
        s.line_item_unblended_cost AS gross_cost,
        lower(s.line_item_line_item_description) LIKE '%free tier%' AND s.line_item_unblended_cost = 0 AS is_free_tier,
        coalesce(s.savings_plan_net_savings_plan_effective_cost, s.savings_plan_savings_plan_effective_cost) AS plan_cost,
        coalesce(s.reservation_net_effective_cost, s.reservation_effective_cost) AS reserved_cost,
        coalesce(s.savings_plan_total_commitment_to_date - s.savings_plan_used_commitment, 0) AS unused_plan,
        coalesce(s.reservation_net_unused_amortized_upfront_fee_for_billing_period,
            s.reservation_unused_amortized_upfront_fee_for_billing_period, 0)
            + coalesce(s.reservation_net_unused_recurring_fee, s.reservation_unused_recurring_fee, 0) AS unused_reservation,
        coalesce(s.savings_plan_savings_plan_a_r_n, s.reservation_reservation_a_r_n) AS commitment,
        coalesce(s.product_product_name, json_extract_string(s.product, '$.product_name')) AS product_name,
        coalesce(s.product_region_code, s.product_region) AS region_code,
        lower(s.line_item_resource_id) AS id,
        regexp_extract(lower(s.line_item_resource_id), '^arn:[^:]*:[^:]*:[^:]*:[^:]*:([^:/]+)[:/]', 1) AS arn_type,
        second(s.bill_billing_period_end_date) = 59 AS has_inclusive_end
    FROM staged AS s
    LEFT JOIN negations AS n ON n.x_BillingPeriod = s.x_BillingPeriod
    WHERE s.x_Problem IS NULL AND s.line_item_line_item_type <> 'SavingsPlanNegation'
)

SELECT
    l.*,
    types.ChargeCategory IS NULL AS is_unknown_type,
    services.ServiceCategory IS NULL AS is_unknown_service,
    CASE
        WHEN l.line_item_line_item_type = 'Refund' AND (l.commitment IS NOT NULL OR l.line_item_usage_type IS NULL)
            THEN 'Purchase'
        ELSE coalesce(types.ChargeCategory, 'Adjustment')
    END AS category,
    types.ChargeClass AS class,
    coalesce(types.IsDiscount = 'yes', false) AS is_discount,
    CASE
        WHEN l.line_item_line_item_type = 'Fee' AND l.bill_bill_type = 'Anniversary' THEN 'Recurring'
        ELSE coalesce(types.ChargeFrequency, 'Usage-Based')
    END AS frequency,
    CASE
        WHEN l.line_item_line_item_type = 'RIFee' AND l.unused_reservation <> 0 THEN 'Unused'
        WHEN l.line_item_line_item_type = 'SavingsPlanRecurringFee' AND l.unused_plan <> 0 THEN 'Unused'
        ELSE types.CommitmentDiscountStatus
    END AS commitment_status,
    CASE l.line_item_line_item_type
        WHEN 'DiscountedUsage' THEN coalesce(l.line_item_normalized_usage_amount, l.line_item_usage_amount)
        WHEN 'RIFee' THEN coalesce(l.reservation_total_reserved_normalized_units, l.reservation_total_reserved_units)
        WHEN 'SavingsPlanCoveredUsage' THEN l.savings_plan_savings_plan_effective_cost
        WHEN 'SavingsPlanRecurringFee' THEN l.savings_plan_total_commitment_to_date
        WHEN 'SavingsPlanUpfrontFee' THEN l.gross_cost
    END AS commitment_quantity,
    CASE
        WHEN l.savings_plan_savings_plan_a_r_n IS NOT NULL THEN l.line_item_currency_code
        WHEN coalesce(l.line_item_normalized_usage_amount, l.reservation_total_reserved_normalized_units) IS NOT NULL
            THEN 'Normalized Hours'
        ELSE coalesce(units.FocusUnit, l.pricing_unit)
    END AS commitment_unit,
    CASE
        WHEN services.ServiceCategory = 'Compute' AND l.line_item_product_code = 'AmazonEC2'
            AND (l.product_product_family LIKE 'Storage%' OR l.line_item_usage_type LIKE '%EBS:%') THEN 'Storage'
        ELSE coalesce(services.ServiceCategory, 'Other')
    END AS service_category,
    coalesce(l.product_name, services.ServiceName, l.line_item_product_code) AS service_name,
    coalesce(l.region_code, regions.RegionId) AS region_id,
    units.FocusUnit IS NOT NULL AND types.ChargeCategory IS DISTINCT FROM 'Tax' AS is_renamed_unit,
    coalesce(units.FocusUnit, l.pricing_unit) AS unit
FROM lines AS l
LEFT JOIN aws_line_item_types AS types ON types.LineItemType = l.line_item_line_item_type
LEFT JOIN aws_services AS services ON services.ProductCode = l.line_item_product_code
LEFT JOIN aws_regions AS regions ON regions.Location = l.product_location
LEFT JOIN aws_units AS units ON units.PricingUnit = l.pricing_unit
