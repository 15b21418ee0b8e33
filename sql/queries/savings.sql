-- savings: How much less than list price did usage cost in the latest billing period?
-- A row is one provider, service and currency; most saved first. Usage only: what commitments cost is in the
-- EffectiveCost of the usage that they cover; what they left unused is in the query commitments.
-- ListCost, ContractedCost, EffectiveCost, saved (ListCost - EffectiveCost): in BillingCurrency, exact.
-- saved_percent: of ListCost, DOUBLE, 1 decimal.

SELECT
    x_BillingPeriod,
    x_Provider,
    ServiceName,
    BillingCurrency,
    sum(ListCost) AS ListCost,
    sum(ContractedCost) AS ContractedCost,
    sum(EffectiveCost) AS EffectiveCost,
    sum(ListCost) - sum(EffectiveCost) AS saved,
    round(
        100 * CAST(sum(ListCost) - sum(EffectiveCost) AS DOUBLE) / nullif(CAST(sum(ListCost) AS DOUBLE), 0), 1
    ) AS saved_percent
FROM daily_costs
WHERE
    x_Origin = 'billed'
    AND ChargeCategory = 'Usage'
    AND x_BillingPeriod = (SELECT max(x_BillingPeriod) FROM source_periods WHERE x_Origin = 'billed' AND charges > 0)
GROUP BY x_BillingPeriod, x_Provider, ServiceName, BillingCurrency
ORDER BY saved DESC, x_Provider, ServiceName
