-- rollups_match_charges: returns the sums of a source and billing period in which charges and a rollup differ.
-- A good load returns no row.

WITH sums AS (
    SELECT
        'charges' AS relation, BillingCurrency,
        coalesce(sum(BilledCost), 0) AS BilledCost, coalesce(sum(EffectiveCost), 0) AS EffectiveCost,
        coalesce(sum(ListCost), 0) AS ListCost, coalesce(sum(ContractedCost), 0) AS ContractedCost, count(*) AS x_ChargeCount
    FROM charges WHERE x_Source = $source AND x_BillingPeriod = $period GROUP BY BillingCurrency
    UNION ALL
    SELECT
        'daily_costs', BillingCurrency, sum(BilledCost), sum(EffectiveCost), sum(ListCost), sum(ContractedCost),
        CAST(sum(x_ChargeCount) AS BIGINT)
    FROM daily_costs WHERE x_Source = $source AND x_BillingPeriod = $period GROUP BY BillingCurrency
    UNION ALL
    SELECT
        'resource_costs', BillingCurrency, sum(BilledCost), sum(EffectiveCost), sum(ListCost), sum(ContractedCost),
        CAST(sum(x_ChargeCount) AS BIGINT)
    FROM resource_costs WHERE x_Source = $source AND x_BillingPeriod = $period GROUP BY BillingCurrency
)

SELECT BillingCurrency, BilledCost, EffectiveCost, ListCost, ContractedCost, x_ChargeCount, list(relation) AS relations
FROM sums
GROUP BY BillingCurrency, BilledCost, EffectiveCost, ListCost, ContractedCost, x_ChargeCount
HAVING count(*) <> 3
