-- daily_costs: one row per day of ChargePeriodStart and every dimension below, of one source and billing period.
-- A NULL cost counts as 0. tagged_charges and charge_tags: see pipeline/store/tagging.py.

SELECT
    c.x_BillingPeriod, CAST(c.ChargePeriodStart AS DATE) AS ChargeDay, c.BillingCurrency, c.x_Source, c.x_Origin,
    c.x_Provider, c.BillingAccountId, r.SubAccountId, r.SubAccountName, c.ServiceCategory, c.ServiceName,
    c.x_CostCategory, r.x_ResourceType, r.RegionId, c.ChargeCategory, c.ChargeClass, c.PricingCategory,
    c.CommitmentDiscountStatus, c.InvoiceId, t.x_ReportedTags, c.x_TenantId,
    coalesce(sum(c.BilledCost), 0) AS BilledCost,
    coalesce(sum(c.EffectiveCost), 0) AS EffectiveCost,
    coalesce(sum(c.ListCost), 0) AS ListCost,
    coalesce(sum(c.ContractedCost), 0) AS ContractedCost,
    coalesce(sum(c.ConsumedQuantity), 0) AS ConsumedQuantity,
    coalesce(sum(c.PricingQuantity), 0) AS PricingQuantity,
    count(*) AS x_ChargeCount
FROM tagged_charges AS c
INNER JOIN resources AS r ON r.x_ResourceKey = c.x_ResourceKey
LEFT JOIN charge_tags AS t
    ON t.x_TagSetId IS NOT DISTINCT FROM c.x_TagSetId AND t.x_VirtualTags IS NOT DISTINCT FROM c.x_VirtualTags
WHERE c.x_Source = $source AND c.x_BillingPeriod = $period
GROUP BY ALL
