-- Budgets that programs make with BudgetManager, beside those of the file and policies.

-- A CHECK cannot be altered, so the table is made anew, with its rows.
CREATE TEMP TABLE former_budgets AS SELECT * FROM budgets;
DROP TABLE budgets;
CREATE TABLE budgets (
    budget_id VARCHAR PRIMARY KEY,
    origin VARCHAR NOT NULL,
    scope_type VARCHAR NOT NULL CHECK (scope_type IN ('global', 'provider', 'tag', 'type', 'policy', 'managed')),
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
    ended_at TIMESTAMP,
    period_by VARCHAR DEFAULT 'billing',
    starts DATE,
    ends DATE,
    planned VARCHAR DEFAULT '{}',
    rollover DECIMAL(38, 18),
    parent VARCHAR,
    basis VARCHAR DEFAULT 'billed',
    filter VARCHAR,
    tenant_id VARCHAR,
    policy_scope VARCHAR,
    policy_scope_id VARCHAR,
    counted_origin VARCHAR CHECK (counted_origin IN ('auto', 'billed', 'recorded')),
    soft_limit_percent DECIMAL(38, 18),
    hard_limit_action VARCHAR CHECK (hard_limit_action IN ('warn', 'throttle', 'degrade', 'soft_block', 'block')),
    metadata VARCHAR,
    created_by VARCHAR,
    updated_at TIMESTAMP,
    updated_by VARCHAR,
    category VARCHAR,
    tags_filter VARCHAR
);
INSERT INTO budgets BY NAME SELECT * FROM former_budgets;
DROP TABLE former_budgets;

COMMENT ON TABLE budgets IS 'Budgets of the configuration file, as of the last run, policies, and budgets of BudgetManager; one that left the file or was deleted is ended, its row stays';
COMMENT ON COLUMN budgets.scope_type IS 'global, provider, tag or type of the file''s budgets; policy: policy_scope says of what; managed: category and tags_filter do';
COMMENT ON COLUMN budgets.alerts IS 'JSON list of {threshold, type, exit, unit}; thresholds are text, percent or an amount as unit says';
COMMENT ON COLUMN budgets.period_by IS 'What puts a charge in a window: its billing period (billing) or its ChargePeriodStart (charge)';
COMMENT ON COLUMN budgets.starts IS 'First day that it may count; NULL without one. Of a custom period the window''s first day';
COMMENT ON COLUMN budgets.ends IS 'First day that it counts no longer; NULL without one. Of a custom period the day after the window';
COMMENT ON COLUMN budgets.planned IS 'JSON object month or quarter -> amount from then on, as text';
COMMENT ON COLUMN budgets.rollover IS 'Percent of the limit that may be carried to the next window; NULL: nothing is';
COMMENT ON COLUMN budgets.parent IS 'budget_id of the budget above it; NULL without one';
COMMENT ON COLUMN budgets.basis IS 'Cost that it counts: billed, effective, list or contracted';
COMMENT ON COLUMN budgets.filter IS 'JSON of the condition on the charges of its scope; NULL: all count';
COMMENT ON COLUMN budgets.tenant_id IS 'Whose policy or managed budget it is; NULL: no tenant''s, as every budget of the configuration file';
COMMENT ON COLUMN budgets.policy_scope IS 'What a policy limits: global, provider, account, service, category, region, type, model, team, project, …; NULL of other budgets';
COMMENT ON COLUMN budgets.policy_scope_id IS 'Which of that scope, such as the provider or the tag''s value; empty for global; NULL of other budgets';
COMMENT ON COLUMN budgets.counted_origin IS 'Charges that a policy or a managed budget counts: billed, recorded, or auto (billed, and recorded of providers without a billed source); NULL of the file''s budgets';
COMMENT ON COLUMN budgets.soft_limit_percent IS 'Percent of the limit from which a policy warns; NULL of other budgets';
COMMENT ON COLUMN budgets.hard_limit_action IS 'What a policy asks for at its limit: warn, throttle, degrade, soft_block or block; NULL of other budgets';
COMMENT ON COLUMN budgets.metadata IS 'JSON object that a policy was given; NULL of other budgets';
COMMENT ON COLUMN budgets.created_by IS 'Actor who created the policy or the managed budget; NULL of the file''s budgets';
COMMENT ON COLUMN budgets.updated_at IS 'When the policy was last created, changed or deleted, or the managed budget made or replaced, UTC; NULL of the file''s budgets';
COMMENT ON COLUMN budgets.updated_by IS 'Actor who created, changed or deleted the policy, or made or replaced the managed budget last; NULL of the file''s budgets';
COMMENT ON COLUMN budgets.category IS 'CostCategory that a managed budget counts; NULL: all, and of other budgets';
COMMENT ON COLUMN budgets.tags_filter IS 'JSON object of the tags that a charge must have for a managed budget to count it; NULL of other budgets';

COMMENT ON COLUMN budget_alerts.history IS 'JSON list of {at, event, percentage, reason}, with by, note and until of what people did: fired, suppressed, resolved, reopened, acknowledged, snoozed, woken (the snooze ran out), fell (the figure fell after somebody had resolved it), reset (it may fire anew, as the next occurrence)';
