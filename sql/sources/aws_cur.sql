-- aws_cur: AWS Cost and Usage Reports, legacy and 2.0, to charges.
-- A row is one line item. Usage covered by a savings plan bills 0 where the delivery carries the negations that
-- cancel it (those rows fold into it); EffectiveCost goes by the line item's type.
-- x_SourceChanges: covered (billed 0 by that rule), unit, category, number, type (an unknown LineItemType), period_end,
-- region (its id read out of the location).

SELECT
    l.x_BillingPeriod, l.x_TagText, l.x_Kept, 'aws' AS x_Provider, l.line_item_line_item_type AS x_LineItemType,
    nullif(concat_ws(
        ' ',
        CASE WHEN l.is_folded THEN 'covered' END,
        CASE WHEN l.is_renamed_unit THEN 'unit' END,
        CASE WHEN l.is_unknown_service THEN 'category' END,
        CASE WHEN l.x_Noted THEN 'number' END,
        CASE WHEN l.is_unknown_type THEN 'type' END,
        CASE WHEN l.has_inclusive_end THEN 'period_end' END,
        CASE WHEN l.region_code IS NULL AND l.region_id IS NOT NULL THEN 'region' END
    ), '') AS x_SourceChanges,
    CASE WHEN l.is_folded THEN 0 ELSE l.unblended_cost END AS BilledCost,
    CASE l.line_item_line_item_type
        WHEN 'DiscountedUsage' THEN coalesce(l.reserved_cost, l.unblended_cost)
        WHEN 'SavingsPlanCoveredUsage' THEN coalesce(l.plan_cost, l.unblended_cost)
        WHEN 'SavingsPlanRecurringFee' THEN l.unused_plan
        WHEN 'SavingsPlanUpfrontFee' THEN 0
        WHEN 'RIFee' THEN l.unused_reservation
        WHEN 'Fee' THEN CASE WHEN l.reservation_reservation_a_r_n IS NULL THEN l.unblended_cost ELSE 0 END
        ELSE l.unblended_cost
    END AS EffectiveCost,
    CASE WHEN l.is_discount THEN 0 WHEN l.category <> 'Usage' OR l.class IS NOT NULL OR l.is_free_tier THEN l.gross_cost
        ELSE coalesce(l.pricing_public_on_demand_cost, l.gross_cost) END AS ListCost,
    CASE l.line_item_line_item_type WHEN 'DiscountedUsage' THEN coalesce(l.pricing_public_on_demand_cost, l.gross_cost)
        ELSE l.unblended_cost END AS ContractedCost,
    l.line_item_unblended_rate AS ContractedUnitPrice,
    CASE WHEN l.is_free_tier THEN 0 WHEN l.line_item_line_item_type IN ('Usage', 'Tax')
        THEN coalesce(l.pricing_public_on_demand_rate, 0) ELSE l.pricing_public_on_demand_rate END AS ListUnitPrice,
    l.bill_payer_account_id AS BillingAccountId, l.bill_payer_account_name AS BillingAccountName,
    l.line_item_currency_code AS BillingCurrency, l.pricing_currency AS PricingCurrency,
    l.bill_billing_period_start_date AS BillingPeriodStart,
    l.bill_billing_period_end_date + to_seconds(CASE WHEN l.has_inclusive_end THEN 1 ELSE 0 END) AS BillingPeriodEnd,
    l.line_item_usage_start_date AS ChargePeriodStart, l.line_item_usage_end_date AS ChargePeriodEnd,
    l.category AS ChargeCategory, l.class AS ChargeClass, l.line_item_line_item_description AS ChargeDescription,
    l.frequency AS ChargeFrequency, l.commitment AS CommitmentDiscountId,
    CASE WHEN l.savings_plan_savings_plan_a_r_n IS NOT NULL THEN 'Spend'
        WHEN l.reservation_reservation_a_r_n IS NOT NULL THEN 'Usage' END AS CommitmentDiscountCategory,
    CASE WHEN l.savings_plan_savings_plan_a_r_n IS NOT NULL THEN 'Savings Plan'
        WHEN l.reservation_reservation_a_r_n IS NOT NULL THEN 'Reserved Instance' END AS CommitmentDiscountType,
    l.commitment_status AS CommitmentDiscountStatus, l.commitment_quantity AS CommitmentDiscountQuantity,
    CASE WHEN l.commitment_quantity IS NOT NULL THEN l.commitment_unit END AS CommitmentDiscountUnit,
    CASE WHEN l.category = 'Usage' AND NOT l.is_discount THEN l.line_item_usage_amount END AS ConsumedQuantity,
    CASE WHEN l.category = 'Usage' AND NOT l.is_discount THEN l.unit END AS ConsumedUnit,
    CASE WHEN l.category <> 'Tax' THEN l.line_item_usage_amount END AS PricingQuantity,
    CASE WHEN l.category <> 'Tax' THEN l.unit END AS PricingUnit,
    CASE WHEN l.category = 'Tax' THEN NULL WHEN l.category IN ('Credit', 'Adjustment') THEN 'Other'
        WHEN l.commitment_status = 'Used' THEN 'Committed'
        WHEN l.line_item_usage_type LIKE '%SpotUsage%' THEN 'Dynamic' ELSE 'Standard' END AS PricingCategory,
    l.bill_invoice_id AS InvoiceId, coalesce(l.bill_invoicing_entity, l.line_item_legal_entity) AS InvoiceIssuerName,
    'AWS' AS ProviderName, 'AWS' AS ServiceProviderName, 'AWS' AS HostProviderName,
    coalesce(l.line_item_legal_entity, 'AWS') AS PublisherName,
    l.region_id AS RegionId, l.product_location AS RegionName,
    l.line_item_availability_zone AS AvailabilityZone, l.line_item_resource_id AS ResourceId,
    CASE WHEN l.id IS NULL THEN NULL WHEN l.arn_type <> '' THEN l.arn_type
        WHEN l.id LIKE 'arn:%:s3:::%' THEN 'bucket'
        WHEN l.id LIKE 'arn:%' THEN NULL
        WHEN l.line_item_product_code = 'AmazonS3' THEN 'bucket'
        WHEN regexp_full_match(l.id, 'i-[0-9a-f]+') THEN 'instance'
        WHEN regexp_full_match(l.id, 'vol-[0-9a-f]+') THEN 'volume'
        WHEN regexp_full_match(l.id, 'snap-[0-9a-f]+') THEN 'snapshot' END AS ResourceType,
    l.service_category AS ServiceCategory, l.service_name AS ServiceName, l.product_sku AS SkuId,
    l.line_item_usage_type AS SkuMeter, coalesce(l.pricing_rate_code, l.pricing_rate_id) AS SkuPriceId,
    coalesce(l.line_item_usage_account_id, l.bill_payer_account_id) AS SubAccountId,
    l.line_item_usage_account_name AS SubAccountName,
    l.split_line_item_parent_resource_id AS x_SplitParentResourceId,
    coalesce(l.split_line_item_net_split_cost, l.split_line_item_split_cost) AS x_SplitCost,
    coalesce(l.split_line_item_net_unused_cost, l.split_line_item_unused_cost) AS x_SplitUnusedCost,
    l.split_line_item_public_on_demand_split_cost AS x_SplitListCost,
    l.split_line_item_public_on_demand_unused_cost AS x_SplitUnusedListCost,
    l.split_line_item_split_usage AS x_SplitUsage, l.split_line_item_split_usage_ratio AS x_SplitUsageRatio
FROM aws_cur_lines AS l
