-- top_services: Which services cost most in the latest billing period, and what did they cost in the one before?
-- A row is one provider, service and currency; the 20 dearest first. The latest billing period may not be over yet:
-- trend_summary and mover_summary compare by the day.
-- BilledCost, previous_BilledCost, change: in BillingCurrency, exact. A service that is new has 0 before.

WITH periods AS (
    SELECT max(x_BillingPeriod) AS latest, strftime(max(x_BillingPeriod || '-01')::DATE - 1, '%Y-%m') AS previous
    FROM source_periods
    WHERE x_Origin = 'billed' AND charges > 0
)

SELECT
    p.latest AS x_BillingPeriod,
    d.x_Provider,
    d.ServiceName,
    d.BillingCurrency,
    coalesce(sum(d.BilledCost) FILTER (WHERE d.x_BillingPeriod = p.latest), 0) AS BilledCost,
    coalesce(sum(d.BilledCost) FILTER (WHERE d.x_BillingPeriod = p.previous), 0) AS previous_BilledCost,
    coalesce(sum(d.BilledCost) FILTER (WHERE d.x_BillingPeriod = p.latest), 0)
    - coalesce(sum(d.BilledCost) FILTER (WHERE d.x_BillingPeriod = p.previous), 0) AS change
FROM daily_costs AS d
CROSS JOIN periods AS p
WHERE d.x_Origin = 'billed' AND d.x_BillingPeriod IN (p.latest, p.previous)
GROUP BY p.latest, d.x_Provider, d.ServiceName, d.BillingCurrency
ORDER BY BilledCost DESC, previous_BilledCost DESC, d.x_Provider, d.ServiceName
LIMIT 20
