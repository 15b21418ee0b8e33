-- budgets: How do the budgets stand in their latest windows, and which alerts are open?
-- A row is one budget, in the report's order: global, providers, tags by priority, types; policies last.
-- effective_limit, current_spend, forecasted_spend, remaining: in currency, exact. percentage, forecast_percentage: of
-- the limit. open_alerts: thresholds with their unit and type, NULL when none is open.

SELECT
    s.x_BillingPeriod,
    s.budget_id,
    s.period,
    s.period_start,
    s.period_end,
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
        SELECT string_agg(
            CAST(CAST(a.threshold AS DOUBLE) AS VARCHAR) || ' ' || a.unit || ' ' || a.type, ', '
            ORDER BY a.unit DESC, a.threshold, a.type
        )
        FROM budget_alerts AS a
        WHERE
            a.budget_id = s.budget_id AND a.period = s.period AND a.status = 'open'
            AND a.x_BillingPeriod = s.x_BillingPeriod AND a.period_end > s.period_start
    ) AS open_alerts
FROM budget_status AS s
WHERE s.enabled AND s.x_BillingPeriod = (SELECT max(x_BillingPeriod) FROM budget_status)
QUALIFY row_number() OVER (PARTITION BY s.budget_id ORDER BY s.period_start DESC) = 1
ORDER BY s.position
