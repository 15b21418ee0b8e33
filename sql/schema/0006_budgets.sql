-- Budgets, what they came to, and the alerts they raised.

CREATE TABLE budgets (
    budget_id VARCHAR PRIMARY KEY,
    origin VARCHAR NOT NULL,
    scope_type VARCHAR NOT NULL CHECK (scope_type IN ('global', 'provider', 'tag', 'type')),
    scope_key VARCHAR NOT NULL,
    name VARCHAR,
    owner VARCHAR,
    amount DECIMAL(38, 18) NOT NULL,
    currency VARCHAR NOT NULL,
    period VARCHAR NOT NULL,
    priority INTEGER NOT NULL,
    alerts VARCHAR NOT NULL,
    enabled BOOLEAN NOT NULL,
    started_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP
);

COMMENT ON TABLE budgets IS 'Budgets of the configuration file, as of the last run; one that left the file is ended, never deleted';
COMMENT ON COLUMN budgets.budget_id IS 'global, provider:NAME, tag:SELECTOR or type:TYPE';
COMMENT ON COLUMN budgets.alerts IS 'JSON list of {threshold, type, exit}; thresholds are percent, as text';

CREATE TABLE budget_status (
    x_BillingPeriod VARCHAR NOT NULL,
    position INTEGER NOT NULL,
    budget_id VARCHAR NOT NULL,
    scope_type VARCHAR NOT NULL,
    scope_key VARCHAR NOT NULL,
    period_start TIMESTAMP NOT NULL,
    period_end TIMESTAMP NOT NULL,
    currency VARCHAR NOT NULL,
    enabled BOOLEAN NOT NULL,
    effective_limit DECIMAL(38, 18) NOT NULL,
    current_spend DECIMAL(38, 18),
    percentage DECIMAL(38, 6),
    forecasted_spend DECIMAL(38, 18),
    forecast_percentage DECIMAL(38, 6),
    forecast_note VARCHAR,
    health VARCHAR NOT NULL,
    alerts VARCHAR NOT NULL,
    matched_resources BIGINT NOT NULL,
    unconverted VARCHAR NOT NULL,
    breached BOOLEAN NOT NULL,
    exit_code INTEGER
);

COMMENT ON TABLE budget_status IS 'State of each budget per billing period, in report order (position): global, providers, tags by priority, types';
COMMENT ON COLUMN budget_status.alerts IS 'JSON list of {threshold, type, state, exit}';
COMMENT ON COLUMN budget_status.unconverted IS 'JSON object currency -> BilledCost that no rate converts; {} when all is counted';
COMMENT ON COLUMN budget_status.forecast_note IS 'Why there is no forecast; NULL when there is one';
COMMENT ON COLUMN budget_status.exit_code IS 'Exit code that a breach of this scope asks for; NULL when exit_on_threshold is off for it';

CREATE TABLE budget_alerts (
    alert_id VARCHAR PRIMARY KEY,
    budget_id VARCHAR NOT NULL,
    x_BillingPeriod VARCHAR NOT NULL,
    period_start TIMESTAMP NOT NULL,
    threshold DECIMAL(38, 6) NOT NULL,
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
    UNIQUE (budget_id, period_start, threshold, type, occurrence)
);

COMMENT ON TABLE budget_alerts IS 'One row per budget, period, threshold, type and occurrence; written before anything is sent, never deleted';
COMMENT ON COLUMN budget_alerts.spend IS 'Spend (type actual) or forecasted spend (type forecasted) when the alert fired or was reopened';
COMMENT ON COLUMN budget_alerts.history IS 'JSON list of {at, event, percentage, reason}: fired, suppressed, resolved, reopened';
