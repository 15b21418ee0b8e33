-- resource_costs: one row per service, resource, full tag set, tags of answers and tenant of one source, billing period,
-- currency and origin.
-- A NULL cost counts as 0. tagged_charges and charge_tags: see pipeline/store/tagging.py.

SELECT
    c.x_BillingPeriod, c.BillingCurrency, c.x_Source, c.x_Origin, c.x_ResourceKey, c.x_TagSetId, t.x_EffectiveTagSetId,
    c.x_TenantId, c.ServiceCategory, c.ServiceName,
    coalesce(sum(c.BilledCost), 0) AS BilledCost,
    coalesce(sum(c.EffectiveCost), 0) AS EffectiveCost,
    coalesce(sum(c.ListCost), 0) AS ListCost,
    coalesce(sum(c.ContractedCost), 0) AS ContractedCost,
    coalesce(sum(c.BilledCost) FILTER (WHERE c.ChargeCategory = 'Credit'), 0) AS x_CreditCost,
    coalesce(sum(c.BilledCost) FILTER (
        WHERE c.ChargeClass = 'Correction' AND coalesce(c.ChargeCategory, '') NOT IN ('Credit', 'Tax')
    ), 0) AS x_RefundCost,
    coalesce(sum(c.BilledCost) FILTER (WHERE c.ChargeCategory = 'Tax'), 0) AS x_TaxCost,
    count(*) AS x_ChargeCount
FROM tagged_charges AS c
LEFT JOIN charge_tags AS t
    ON t.x_TagSetId IS NOT DISTINCT FROM c.x_TagSetId AND t.x_VirtualTags IS NOT DISTINCT FROM c.x_VirtualTags
WHERE c.x_Source = $source AND c.x_BillingPeriod = $period
GROUP BY ALL
