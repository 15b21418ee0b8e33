-- AI usage by model: a rollup of the charges that are AI usage, and the summary that is made from it.

CREATE TABLE model_costs (
    x_BillingPeriod VARCHAR NOT NULL,
    ChargeDay DATE NOT NULL,
    BillingCurrency VARCHAR,
    x_Source VARCHAR NOT NULL,
    x_Origin VARCHAR NOT NULL,
    x_Provider VARCHAR,
    ServiceName VARCHAR,
    model VARCHAR,
    operation VARCHAR,
    BilledCost DECIMAL(38, 18) NOT NULL,
    token_BilledCost DECIMAL(38, 18) NOT NULL,
    tokens DECIMAL(38, 18) NOT NULL,
    input_tokens DECIMAL(38, 18),
    cached_input_tokens DECIMAL(38, 18),
    output_tokens DECIMAL(38, 18),
    images DECIMAL(38, 18),
    seconds DECIMAL(38, 18),
    failed_calls BIGINT,
    x_ChargeCount BIGINT NOT NULL
);

COMMENT ON TABLE model_costs IS 'AI usage by day of ChargePeriodStart and every dimension before the measures: what was recorded, and billed usage that is counted in tokens';

CREATE TABLE model_summary (
    x_BillingPeriod VARCHAR NOT NULL,
    BillingCurrency VARCHAR,
    x_Origin VARCHAR NOT NULL,
    x_Provider VARCHAR,
    ServiceName VARCHAR,
    model VARCHAR,
    operation VARCHAR,
    BilledCost DECIMAL(38, 18) NOT NULL,
    token_BilledCost DECIMAL(38, 18) NOT NULL,
    tokens DECIMAL(38, 18) NOT NULL,
    input_tokens DECIMAL(38, 18),
    cached_input_tokens DECIMAL(38, 18),
    output_tokens DECIMAL(38, 18),
    images DECIMAL(38, 18),
    seconds DECIMAL(38, 18),
    failed_calls BIGINT,
    x_ChargeCount BIGINT NOT NULL,
    cost_per_million_tokens DECIMAL(38, 18),
    cache_share DECIMAL(38, 18),
    x_BilledShare DECIMAL(38, 18),
    days_covered INTEGER NOT NULL,
    covered_BilledCost DECIMAL(38, 18) NOT NULL,
    previous_BilledCost DECIMAL(38, 18),
    previous_days INTEGER,
    daily_change_percent DECIMAL(38, 18)
);

COMMENT ON TABLE model_summary IS 'AI usage by billing period, currency, origin, provider, service, model and operation. Recorded and billed usage are the same money told twice: never add them';
COMMENT ON COLUMN model_summary.x_BilledShare IS 'Share of the period''s AI usage of that origin and currency, 0 to 1, half-even at 6 decimals; NULL when that sum is 0';
COMMENT ON COLUMN model_summary.days_covered IS 'Days of the period that the usage covers whole: billed usage up to the last complete day of all sources, recorded usage up to the day before the newest record';
COMMENT ON COLUMN model_summary.covered_BilledCost IS 'Part of BilledCost of the covered days: what daily_change_percent compares';
COMMENT ON COLUMN model_summary.previous_BilledCost IS 'BilledCost of the billing period before; NULL when that has no AI usage of this origin and currency';
COMMENT ON COLUMN model_summary.daily_change_percent IS 'Change of covered_BilledCost / days_covered against previous_BilledCost / previous_days, in percent, half-even at 6 decimals; NULL without a cost before or without covered days';

COMMENT ON TABLE dirty IS 'Work that a load left due: set in its transaction, cleared by the stage (summaries, models, budgets, reports) when done';

-- The rollup of what is loaded already is made with the others, by the next run.
UPDATE settings SET value = '' WHERE name = 'reported_tags';
