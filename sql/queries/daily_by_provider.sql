-- daily_by_provider: What did each day of the latest billing period cost, by provider?
-- A row is one UTC day, provider and currency. Fees, tax and credits stand on the day that the provider dates them;
-- usage is Usage charges alone. Days after the source's last complete day are not all there yet.
-- BilledCost, EffectiveCost, usage_BilledCost: in BillingCurrency, exact. is_complete: the day is over in its sources.

SELECT
    d.ChargeDay,
    d.x_Provider,
    d.BillingCurrency,
    sum(d.BilledCost) AS BilledCost,
    sum(d.EffectiveCost) AS EffectiveCost,
    coalesce(sum(d.BilledCost) FILTER (WHERE d.ChargeCategory = 'Usage'), 0) AS usage_BilledCost,
    bool_and(coalesce(d.ChargeDay < CAST(s.usage_through AS DATE), false)) AS is_complete
FROM daily_costs AS d
INNER JOIN source_periods AS s
    ON s.x_Source = d.x_Source AND s.x_BillingPeriod = d.x_BillingPeriod AND s.x_Origin = d.x_Origin
WHERE
    d.x_Origin = 'billed'
    AND d.x_BillingPeriod = (SELECT max(x_BillingPeriod) FROM source_periods WHERE x_Origin = 'billed' AND charges > 0)
GROUP BY d.ChargeDay, d.x_Provider, d.BillingCurrency
ORDER BY d.ChargeDay, d.x_Provider, d.BillingCurrency
