-- two_currencies: billing accounts of the loads of a run that are billed in more than one currency.
-- A row is a source, billing period and billing account, with the currencies.

SELECT
    d.x_Source,
    d.x_BillingPeriod,
    d.BillingAccountId,
    string_agg(DISTINCT d.BillingCurrency, ' and ' ORDER BY d.BillingCurrency)
FROM daily_costs AS d
INNER JOIN loads AS l ON l.x_Source = d.x_Source AND l.x_BillingPeriod = d.x_BillingPeriod
WHERE l.run_id = ? AND l.status = 'loaded' AND d.x_Origin = 'billed' AND d.BilledCost <> 0
GROUP BY d.x_Source, d.x_BillingPeriod, d.BillingAccountId
HAVING count(DISTINCT d.BillingCurrency) > 1
ORDER BY ALL
