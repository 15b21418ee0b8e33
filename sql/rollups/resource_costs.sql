-- resource_costs: one row per resource and full tag set of one source, billing period, currency and origin.
-- A NULL cost counts as 0.

SELECT
    x_BillingPeriod, BillingCurrency, x_Source, x_Origin, x_ResourceKey, x_TagSetId,
    coalesce(sum(BilledCost), 0) AS BilledCost,
    coalesce(sum(EffectiveCost), 0) AS EffectiveCost,
    coalesce(sum(ListCost), 0) AS ListCost,
    coalesce(sum(ContractedCost), 0) AS ContractedCost,
    coalesce(sum(BilledCost) FILTER (WHERE ChargeCategory = 'Credit'), 0) AS x_CreditCost,
    coalesce(sum(BilledCost) FILTER (
        WHERE ChargeClass = 'Correction' AND coalesce(ChargeCategory, '') NOT IN ('Credit', 'Tax')
    ), 0) AS x_RefundCost,
    coalesce(sum(BilledCost) FILTER (WHERE ChargeCategory = 'Tax'), 0) AS x_TaxCost,
    count(*) AS x_ChargeCount
FROM charges
WHERE x_Source = $source AND x_BillingPeriod = $period
GROUP BY ALL
