-- What happened to budgets and alerts, for programs that follow it.

CREATE TABLE budget_events (
    number BIGINT PRIMARY KEY,
    event VARCHAR NOT NULL,
    happened_at TIMESTAMP NOT NULL,
    actor VARCHAR NOT NULL,
    tenant_id VARCHAR,
    budget_id VARCHAR,
    payload VARCHAR NOT NULL
);

COMMENT ON TABLE budget_events IS 'What happened to budgets and alerts, in order, written with what it tells of; never deleted';
COMMENT ON COLUMN budget_events.number IS '1, 2, 3, … in the order in which they were written';
COMMENT ON COLUMN budget_events.event IS 'Such as budget.alert_triggered; docs/events.md has them all';
COMMENT ON COLUMN budget_events.happened_at IS 'Moment that counted as now, UTC';
COMMENT ON COLUMN budget_events.actor IS 'Who did it; costmill: an evaluation';
COMMENT ON COLUMN budget_events.tenant_id IS 'Whose budget it is about; NULL: no tenant''s';
COMMENT ON COLUMN budget_events.budget_id IS 'Budget that it is about; NULL when it is about none';
COMMENT ON COLUMN budget_events.payload IS 'JSON object: all of the event, money as text, times in ISO 8601';
