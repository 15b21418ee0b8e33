-- budgets: How do the budgets of the latest billing period stand, and which alerts are open?
-- A row is one budget, in the report's order: global, providers, tags by priority, types.
-- effective_limit, current_spend, forecasted_spend, remaining: in currency, exact. percentage, forecast_percentage: of
-- the limit. open_alerts: thresholds in percent with their type, NULL when none is open.

SELECT
    s.x_BillingPeriod,
    s.budget_id,
    s.health,
    s.currency,
    s.effective_limit,
    s.current_spend,
    s.effective_limit - s.current_spend AS remaining,
    s.percentage,
    s.forecasted_spend,
    s.forecast_percentage,
    s.matched_resources,
    (
        SELECT string_agg(CAST(CAST(a.threshold AS DOUBLE) AS VARCHAR) || ' ' || a.type, ', ' ORDER BY a.threshold, a.type)
        FROM budget_alerts AS a
        WHERE a.budget_id = s.budget_id AND a.x_BillingPeriod = s.x_BillingPeriod AND a.status = 'open'
    ) AS open_alerts
FROM budget_status AS s
WHERE s.enabled AND s.x_BillingPeriod = (SELECT max(x_BillingPeriod) FROM budget_status)
ORDER BY s.position
