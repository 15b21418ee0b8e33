-- Thresholds that people set beside those of the configuration file.

CREATE TABLE alert_configs (
    config_id VARCHAR PRIMARY KEY,
    tenant_id VARCHAR,
    budget_id VARCHAR NOT NULL,
    threshold DECIMAL(38, 6) NOT NULL,
    unit VARCHAR NOT NULL CHECK (unit IN ('percent', 'amount')),
    type VARCHAR NOT NULL CHECK (type IN ('actual', 'forecasted')),
    severity VARCHAR CHECK (severity IN ('info', 'warning', 'critical', 'emergency')),
    cooldown_minutes INTEGER NOT NULL CHECK (cooldown_minutes >= 0),
    configured_at TIMESTAMP NOT NULL,
    configured_by VARCHAR NOT NULL
);

COMMENT ON TABLE alert_configs IS 'Thresholds that people set for budgets, beside those of the configuration file';
COMMENT ON COLUMN alert_configs.config_id IS 'Hash of budget, threshold, unit and type';
COMMENT ON COLUMN alert_configs.tenant_id IS 'Whose budget it is for; NULL: no tenant''s, as every budget of the configuration file';
COMMENT ON COLUMN alert_configs.threshold IS 'Percent of the limit, or an amount in the budget''s currency';
COMMENT ON COLUMN alert_configs.type IS 'What is compared: spend (actual) or its forecast (forecasted)';
COMMENT ON COLUMN alert_configs.severity IS 'Severity of its alerts; NULL: by the percentage at firing';
COMMENT ON COLUMN alert_configs.cooldown_minutes IS 'People are told of the same threshold and window not before so many minutes after the last time';
COMMENT ON COLUMN alert_configs.configured_at IS 'When it was set or changed last, UTC';
COMMENT ON COLUMN alert_configs.configured_by IS 'Actor who set or changed it last';
COMMENT ON COLUMN alert_configs.budget_id IS 'The budget, as in budgets';
COMMENT ON COLUMN alert_configs.unit IS 'What the threshold is: percent or amount';

COMMENT ON COLUMN budget_alerts.history IS 'JSON list of {at, event, percentage, reason}, with by, note and until of what people did: fired, suppressed, resolved, reopened, acknowledged, snoozed, woken (the snooze ran out), fell (the figure fell after somebody had resolved it); told_at: nobody was told, since they were told then and the cooldown is not over';
