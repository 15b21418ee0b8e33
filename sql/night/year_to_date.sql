-- year_to_date: BilledCost of the billing periods from $1 through $2.
-- A row is one currency.

SELECT BillingCurrency, sum(BilledCost) AS BilledCost
FROM trend_summary
WHERE grain = 'month' AND x_BillingPeriod BETWEEN $1 AND $2
GROUP BY BillingCurrency
ORDER BY BillingCurrency NULLS LAST
