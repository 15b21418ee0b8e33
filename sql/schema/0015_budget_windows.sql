-- Budgets of any window and limit: rows of budget_status and budget_alerts say which window.

ALTER TABLE budgets ADD COLUMN period_by VARCHAR DEFAULT 'billing';
ALTER TABLE budgets ADD COLUMN starts DATE;
ALTER TABLE budgets ADD COLUMN ends DATE;
ALTER TABLE budgets ADD COLUMN planned VARCHAR DEFAULT '{}';
ALTER TABLE budgets ADD COLUMN rollover DECIMAL(38, 18);
ALTER TABLE budgets ADD COLUMN parent VARCHAR;

COMMENT ON COLUMN budgets.period_by IS 'What puts a charge in a window: its billing period (billing) or its ChargePeriodStart (charge)';
COMMENT ON COLUMN budgets.starts IS 'First day that it may count; NULL without one. Of a custom period the window''s first day';
COMMENT ON COLUMN budgets.ends IS 'First day that it counts no longer; NULL without one. Of a custom period the day after the window';
COMMENT ON COLUMN budgets.planned IS 'JSON object month or quarter -> amount from then on, as text';
COMMENT ON COLUMN budgets.rollover IS 'Percent of the limit that may be carried to the next window; NULL: nothing is';
COMMENT ON COLUMN budgets.parent IS 'budget_id of the budget above it; NULL without one';
COMMENT ON COLUMN budgets.alerts IS 'JSON list of {threshold, type, exit, unit}; thresholds are text, percent or an amount as unit says';

ALTER TABLE budget_status ALTER COLUMN matched_resources DROP NOT NULL;
ALTER TABLE budget_status ADD COLUMN period VARCHAR DEFAULT 'monthly';
ALTER TABLE budget_status ADD COLUMN billing_periods VARCHAR;
ALTER TABLE budget_status ADD COLUMN rollover DECIMAL(38, 18) DEFAULT 0;

COMMENT ON TABLE budget_status IS 'State of each budget per window, as it was judged last, in report order (position): global, providers, tags by priority, types; of a rolling budget only the latest window';
COMMENT ON COLUMN budget_status.x_BillingPeriod IS 'Billing period that the window stands under: the month it ended in, or the month of the run that judged it';
COMMENT ON COLUMN budget_status.alerts IS 'JSON list of {threshold, type, state, exit, unit}';
COMMENT ON COLUMN budget_status.matched_resources IS 'Distinct resources with charges in this scope; NULL where only charges could tell';
COMMENT ON COLUMN budget_status.period IS 'monthly, quarterly, rolling_7d, …, as the budget says';
COMMENT ON COLUMN budget_status.rollover IS 'Part of effective_limit that the window before left over';
COMMENT ON COLUMN budget_status.billing_periods IS 'JSON list of the billing periods whose charges it counted';

-- The unique key gets the period, which no ALTER can give it.
CREATE TEMP TABLE former_alerts AS SELECT * FROM budget_alerts;
DROP TABLE budget_alerts;
CREATE TABLE budget_alerts (
    alert_id VARCHAR PRIMARY KEY,
    budget_id VARCHAR NOT NULL,
    x_BillingPeriod VARCHAR NOT NULL,
    period VARCHAR NOT NULL,
    period_start TIMESTAMP NOT NULL,
    period_end TIMESTAMP NOT NULL,
    threshold DECIMAL(38, 6) NOT NULL,
    unit VARCHAR NOT NULL CHECK (unit IN ('percent', 'amount')),
    type VARCHAR NOT NULL CHECK (type IN ('actual', 'forecasted')),
    occurrence INTEGER NOT NULL,
    status VARCHAR NOT NULL CHECK (status IN ('open', 'suppressed', 'acknowledged', 'resolved')),
    severity VARCHAR NOT NULL CHECK (severity IN ('info', 'warning', 'critical', 'emergency')),
    currency VARCHAR NOT NULL,
    spend DECIMAL(38, 18) NOT NULL,
    effective_limit DECIMAL(38, 18) NOT NULL,
    percentage DECIMAL(38, 6) NOT NULL,
    fired_at TIMESTAMP NOT NULL,
    resolved_at TIMESTAMP,
    reason VARCHAR,
    history VARCHAR NOT NULL,
    UNIQUE (budget_id, period, period_start, threshold, unit, type, occurrence)
);
INSERT INTO budget_alerts BY NAME
SELECT *, 'monthly' AS period, 'percent' AS unit, period_start + INTERVAL 1 MONTH AS period_end FROM former_alerts;
DROP TABLE former_alerts;

COMMENT ON TABLE budget_alerts IS 'One row per budget, window, threshold, type and occurrence; written before anything is sent, never deleted';
COMMENT ON COLUMN budget_alerts.x_BillingPeriod IS 'Billing period that it stands under: the month its window ended in, or the month of the run that wrote it';
COMMENT ON COLUMN budget_alerts.period IS 'monthly, quarterly, rolling_7d, …, as the budget said';
COMMENT ON COLUMN budget_alerts.period_start IS 'Start of the window; 1970-01-01 for rolling windows, whose alerts are crossings, and for a lifetime without a start';
COMMENT ON COLUMN budget_alerts.period_end IS 'End of the window, not in it; of a rolling one as it was when the alert was fired or reopened';
COMMENT ON COLUMN budget_alerts.threshold IS 'Percent of the limit, or an amount in currency';
COMMENT ON COLUMN budget_alerts.unit IS 'What the threshold is: percent or amount';
COMMENT ON COLUMN budget_alerts.spend IS 'Spend (type actual) or forecasted spend (type forecasted) when the alert fired or was reopened';
COMMENT ON COLUMN budget_alerts.history IS 'JSON list of {at, event, percentage, reason}: fired, suppressed, resolved, reopened';

UPDATE budget_status SET billing_periods = '["' || x_BillingPeriod || '"]';
