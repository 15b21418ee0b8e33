-- Alerts in people's hands: who acknowledged, snoozed or resolved them, and whose they are.

ALTER TABLE budget_alerts ADD COLUMN tenant_id VARCHAR;
ALTER TABLE budget_alerts ADD COLUMN acknowledged_at TIMESTAMP;
ALTER TABLE budget_alerts ADD COLUMN acknowledged_by VARCHAR;
ALTER TABLE budget_alerts ADD COLUMN snoozed_until TIMESTAMP;
ALTER TABLE budget_alerts ADD COLUMN snoozed_by VARCHAR;
ALTER TABLE budget_alerts ADD COLUMN resolved_by VARCHAR;
ALTER TABLE budget_alerts ADD COLUMN note VARCHAR;

COMMENT ON COLUMN budget_alerts.tenant_id IS 'Whose alert it is; NULL: no tenant''s, as of every budget of the configuration file';
COMMENT ON COLUMN budget_alerts.acknowledged_at IS 'When somebody acknowledged it, UTC; NULL when nobody has since it fired or was reopened';
COMMENT ON COLUMN budget_alerts.acknowledged_by IS 'Actor who acknowledged it';
COMMENT ON COLUMN budget_alerts.snoozed_until IS 'Nobody is told of it before, UTC; NULL when it is not snoozed';
COMMENT ON COLUMN budget_alerts.snoozed_by IS 'Actor who snoozed it';
COMMENT ON COLUMN budget_alerts.resolved_by IS 'Actor who resolved it; NULL: it is not resolved, or its figure fell or its budget was removed';
COMMENT ON COLUMN budget_alerts.note IS 'What was said when somebody handled it last; the history has every note';
COMMENT ON COLUMN budget_alerts.history IS 'JSON list of {at, event, percentage, reason}, with by, note and until of what people did: fired, suppressed, resolved, reopened, acknowledged, snoozed, woken (the snooze ran out), fell (the figure fell after somebody had resolved it)';
