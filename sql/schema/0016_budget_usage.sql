-- What budgets received that only charges can tell.

ALTER TABLE budgets ADD COLUMN basis VARCHAR DEFAULT 'billed';
ALTER TABLE budgets ADD COLUMN filter VARCHAR;

COMMENT ON COLUMN budgets.basis IS 'Cost that it counts: billed, effective, list or contracted';
COMMENT ON COLUMN budgets.filter IS 'JSON of the condition on the charges of its scope; NULL: all count';

CREATE TABLE budget_usage (
    budget_id VARCHAR NOT NULL,
    x_BillingPeriod VARCHAR NOT NULL,
    x_Source VARCHAR NOT NULL,
    BillingCurrency VARCHAR,
    x_UsageStart TIMESTAMP NOT NULL,
    x_Usage BOOLEAN NOT NULL,
    x_ResourceKey UUID,
    x_Cost DECIMAL(38, 18) NOT NULL
);

COMMENT ON TABLE budget_usage IS 'What budgets received that daily_costs cannot answer (hours, filters on other columns): one row per budget, billing period, source, currency, hour or day, kind of charge and resource';
COMMENT ON COLUMN budget_usage.x_UsageStart IS 'Hour (hourly budgets) or day of ChargePeriodStart, UTC';
COMMENT ON COLUMN budget_usage.x_Usage IS 'ChargeCategory Usage and no Correction: what a forecast carries forward';
COMMENT ON COLUMN budget_usage.x_Cost IS 'Cost of the budget''s basis; a NULL cost counts as 0';
