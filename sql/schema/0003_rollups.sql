-- Rollups: sums that the light half reads instead of the charges. Made in the load's transaction.

CREATE TABLE daily_costs (
    x_BillingPeriod VARCHAR NOT NULL,
    ChargeDay DATE NOT NULL,
    BillingCurrency VARCHAR,
    x_Source VARCHAR NOT NULL,
    x_Origin VARCHAR NOT NULL,
    x_Provider VARCHAR,
    BillingAccountId VARCHAR,
    SubAccountId VARCHAR,
    SubAccountName VARCHAR,
    ServiceCategory VARCHAR,
    ServiceName VARCHAR,
    x_CostCategory VARCHAR,
    x_ResourceType VARCHAR,
    RegionId VARCHAR,
    ChargeCategory VARCHAR,
    ChargeClass VARCHAR,
    PricingCategory VARCHAR,
    CommitmentDiscountStatus VARCHAR,
    InvoiceId VARCHAR,
    x_ReportedTags VARCHAR,
    BilledCost DECIMAL(38, 18) NOT NULL,
    EffectiveCost DECIMAL(38, 18) NOT NULL,
    ListCost DECIMAL(38, 18) NOT NULL,
    ContractedCost DECIMAL(38, 18) NOT NULL,
    ConsumedQuantity DECIMAL(38, 18) NOT NULL,
    PricingQuantity DECIMAL(38, 18) NOT NULL,
    x_ChargeCount BIGINT NOT NULL
);

COMMENT ON TABLE daily_costs IS 'Costs by day of ChargePeriodStart and every dimension before the measures; NULL costs count as 0';
COMMENT ON COLUMN daily_costs.ChargeDay IS 'UTC day of ChargePeriodStart';
COMMENT ON COLUMN daily_costs.x_ReportedTags IS 'Canonical JSON of the reported tag keys only (configured keys and those that budgets use); NULL when none is set';
COMMENT ON COLUMN daily_costs.x_ChargeCount IS 'Number of charges';

CREATE TABLE resource_costs (
    x_BillingPeriod VARCHAR NOT NULL,
    BillingCurrency VARCHAR,
    x_Source VARCHAR NOT NULL,
    x_Origin VARCHAR NOT NULL,
    x_ResourceKey UUID NOT NULL,
    x_TagSetId UUID,
    BilledCost DECIMAL(38, 18) NOT NULL,
    EffectiveCost DECIMAL(38, 18) NOT NULL,
    ListCost DECIMAL(38, 18) NOT NULL,
    ContractedCost DECIMAL(38, 18) NOT NULL,
    x_CreditCost DECIMAL(38, 18) NOT NULL,
    x_RefundCost DECIMAL(38, 18) NOT NULL,
    x_TaxCost DECIMAL(38, 18) NOT NULL,
    x_ChargeCount BIGINT NOT NULL
);

COMMENT ON TABLE resource_costs IS 'Costs by billing period, currency, source, origin, resource and full tag set; NULL costs count as 0';
COMMENT ON COLUMN resource_costs.x_CreditCost IS 'Part of BilledCost with ChargeCategory Credit';
COMMENT ON COLUMN resource_costs.x_RefundCost IS 'Part of BilledCost with ChargeClass Correction that is neither Credit nor Tax';
COMMENT ON COLUMN resource_costs.x_TaxCost IS 'Part of BilledCost with ChargeCategory Tax';

CREATE TABLE source_periods (
    x_Source VARCHAR NOT NULL,
    x_BillingPeriod VARCHAR NOT NULL,
    x_Origin VARCHAR NOT NULL,
    load_id VARCHAR,
    delivered_at TIMESTAMP,
    modified_at TIMESTAMP,
    charges BIGINT NOT NULL,
    usage_through TIMESTAMP,
    PRIMARY KEY (x_Source, x_BillingPeriod, x_Origin)
);

COMMENT ON TABLE source_periods IS 'What is loaded now: one row per source, billing period and origin';
COMMENT ON COLUMN source_periods.delivered_at IS 'When the provider delivered what is loaded, as it states, UTC; NULL where it does not';
COMMENT ON COLUMN source_periods.usage_through IS 'Latest ChargePeriodEnd of usage charges of at most 24 hours, UTC; its day before is the last complete day';

CREATE TABLE dirty (
    x_BillingPeriod VARCHAR NOT NULL,
    stage VARCHAR NOT NULL,
    PRIMARY KEY (x_BillingPeriod, stage)
);

COMMENT ON TABLE dirty IS 'Work that a load left due: set in its transaction, cleared by the stage (summaries, budgets, reports) when done';

CREATE TABLE settings (
    name VARCHAR PRIMARY KEY,
    value VARCHAR NOT NULL
);

COMMENT ON TABLE settings IS 'What the warehouse remembers of itself: warehouse_id, version (raised by every change, names the published copy), reported_tags (keys that the rollups were made with, JSON), report:PERIOD (what a report was made from)';

INSERT INTO settings VALUES ('warehouse_id', left(CAST(uuid() AS VARCHAR), 8)), ('version', '0');
