-- usage_by_day: what the judging of days asks of daily_costs, from $first through $last.
-- A row is one day, currency (XXX where a charge names none), origin, provider, service and kind of charge.

SELECT
    ChargeDay, coalesce(BillingCurrency, 'XXX') AS BillingCurrency, x_Origin, x_Provider, ServiceName, ChargeCategory,
    ChargeClass,
    sum(BilledCost) AS BilledCost
FROM daily_costs
WHERE x_Origin = 'billed' AND ChargeCategory = 'Usage' AND ChargeDay BETWEEN $first AND $last
GROUP BY ALL
