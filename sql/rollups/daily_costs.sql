-- daily_costs: one row per day of ChargePeriodStart and every dimension below, of one source and billing period.
-- Grouped by ids first, named afterwards; a NULL cost counts as 0.

WITH by_id AS (
    SELECT
        CAST(ChargePeriodStart AS DATE) AS ChargeDay,
        x_BillingPeriod, BillingCurrency, x_Source, x_Origin, x_Provider, BillingAccountId, x_ResourceKey, x_TagSetId,
        ServiceCategory, ServiceName, x_CostCategory, ChargeCategory, ChargeClass, PricingCategory,
        CommitmentDiscountStatus, InvoiceId,
        coalesce(sum(BilledCost), 0) AS BilledCost,
        coalesce(sum(EffectiveCost), 0) AS EffectiveCost,
        coalesce(sum(ListCost), 0) AS ListCost,
        coalesce(sum(ContractedCost), 0) AS ContractedCost,
        coalesce(sum(ConsumedQuantity), 0) AS ConsumedQuantity,
        coalesce(sum(PricingQuantity), 0) AS PricingQuantity,
        count(*) AS x_ChargeCount
    FROM charges
    WHERE x_Source = $source AND x_BillingPeriod = $period
    GROUP BY ALL
)

SELECT
    c.x_BillingPeriod, c.ChargeDay, c.BillingCurrency, c.x_Source, c.x_Origin, c.x_Provider, c.BillingAccountId,
    r.SubAccountId, r.SubAccountName, c.ServiceCategory, c.ServiceName, c.x_CostCategory, r.x_ResourceType, r.RegionId,
    c.ChargeCategory, c.ChargeClass, c.PricingCategory, c.CommitmentDiscountStatus, c.InvoiceId, t.x_ReportedTags,
    sum(c.BilledCost) AS BilledCost,
    sum(c.EffectiveCost) AS EffectiveCost,
    sum(c.ListCost) AS ListCost,
    sum(c.ContractedCost) AS ContractedCost,
    sum(c.ConsumedQuantity) AS ConsumedQuantity,
    sum(c.PricingQuantity) AS PricingQuantity,
    CAST(sum(c.x_ChargeCount) AS BIGINT) AS x_ChargeCount
FROM by_id AS c
INNER JOIN resources AS r ON r.x_ResourceKey = c.x_ResourceKey
LEFT JOIN reported_tags AS t ON t.x_TagSetId = c.x_TagSetId
GROUP BY ALL
