-- Alerts of a third type: days that cost far from what their weekday usually does. The CHECK of the type lets them in.

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
    type VARCHAR NOT NULL CHECK (type IN ('actual', 'forecasted', 'anomaly')),
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
    tenant_id VARCHAR,
    acknowledged_at TIMESTAMP,
    acknowledged_by VARCHAR,
    snoozed_until TIMESTAMP,
    snoozed_by VARCHAR,
    resolved_by VARCHAR,
    note VARCHAR,
    UNIQUE (budget_id, period, period_start, threshold, unit, type, occurrence)
);
INSERT INTO budget_alerts BY NAME SELECT * FROM former_alerts;
DROP TABLE former_alerts;

COMMENT ON TABLE budget_alerts IS 'One row per budget, window, threshold, type and occurrence, and per day and scope of an anomaly; written before anything is sent, never deleted';
COMMENT ON COLUMN budget_alerts.budget_id IS 'The budget; of an anomaly its scope: anomaly:CURRENCY, or anomaly:CURRENCY:PROVIDER:SERVICE';
COMMENT ON COLUMN budget_alerts.x_BillingPeriod IS 'Billing period that it stands under: the month its window ended in, or the month of the run that wrote it; of an anomaly the month of its day';
COMMENT ON COLUMN budget_alerts.period IS 'monthly, quarterly, rolling_7d, …, as the budget said; daily for an anomaly';
COMMENT ON COLUMN budget_alerts.period_start IS 'Start of the window; 1970-01-01 for rolling windows, whose alerts are crossings, and for a lifetime without a start';
COMMENT ON COLUMN budget_alerts.period_end IS 'End of the window, not in it; of a rolling one as it was when the alert was fired or reopened';
COMMENT ON COLUMN budget_alerts.threshold IS 'Percent of the limit, or an amount in currency; 100 for an anomaly: what was expected';
COMMENT ON COLUMN budget_alerts.unit IS 'What the threshold is: percent or amount';
COMMENT ON COLUMN budget_alerts.spend IS 'When the alert fired or was reopened: spend (type actual), forecasted spend (forecasted), or the usage of the day (anomaly)';
COMMENT ON COLUMN budget_alerts.history IS 'JSON list of {at, event, percentage, reason}, with by, note and until of what people did: fired, suppressed, resolved, reopened, acknowledged, snoozed, woken (the snooze ran out), fell (the figure fell after somebody had resolved it)';
COMMENT ON COLUMN budget_alerts.tenant_id IS 'Whose alert it is; NULL: no tenant''s, as of every budget of the configuration file';
COMMENT ON COLUMN budget_alerts.acknowledged_at IS 'When somebody acknowledged it, UTC; NULL when nobody has since it fired or was reopened';
COMMENT ON COLUMN budget_alerts.acknowledged_by IS 'Actor who acknowledged it';
COMMENT ON COLUMN budget_alerts.snoozed_until IS 'Nobody is told of it before, UTC; NULL when it is not snoozed';
COMMENT ON COLUMN budget_alerts.snoozed_by IS 'Actor who snoozed it';
COMMENT ON COLUMN budget_alerts.resolved_by IS 'Actor who resolved it; NULL: it is not resolved, or its figure fell or its budget was removed';
COMMENT ON COLUMN budget_alerts.note IS 'What was said when somebody handled it last; the history has every note';
