-- Answers: made by Polars from the rollups, replaced whole per billing period. Billed charges only.
-- x_CreditCost, x_RefundCost and x_TaxCost are parts of BilledCost, as in resource_costs.

CREATE TABLE category_summary (
    x_BillingPeriod VARCHAR NOT NULL,
    BillingCurrency VARCHAR,
    ServiceCategory VARCHAR,
    ServiceName VARCHAR,
    BilledCost DECIMAL(38, 18) NOT NULL,
    EffectiveCost DECIMAL(38, 18) NOT NULL,
    ListCost DECIMAL(38, 18) NOT NULL,
    ContractedCost DECIMAL(38, 18) NOT NULL,
    x_CreditCost DECIMAL(38, 18) NOT NULL,
    x_RefundCost DECIMAL(38, 18) NOT NULL,
    x_TaxCost DECIMAL(38, 18) NOT NULL,
    x_ChargeCount BIGINT NOT NULL
);

COMMENT ON TABLE category_summary IS 'Costs by billing period, currency, ServiceCategory and ServiceName';

CREATE TABLE resource_summary (
    x_BillingPeriod VARCHAR NOT NULL,
    BillingCurrency VARCHAR,
    x_Provider VARCHAR,
    SubAccountId VARCHAR,
    SubAccountName VARCHAR,
    RegionId VARCHAR,
    ResourceId VARCHAR,
    ResourceName VARCHAR,
    ResourceType VARCHAR,
    x_ResourceType VARCHAR,
    BilledCost DECIMAL(38, 18) NOT NULL,
    EffectiveCost DECIMAL(38, 18) NOT NULL,
    ListCost DECIMAL(38, 18) NOT NULL,
    ContractedCost DECIMAL(38, 18) NOT NULL,
    x_CreditCost DECIMAL(38, 18) NOT NULL,
    x_RefundCost DECIMAL(38, 18) NOT NULL,
    x_TaxCost DECIMAL(38, 18) NOT NULL,
    x_ChargeCount BIGINT NOT NULL
);

COMMENT ON TABLE resource_summary IS 'Costs by billing period, currency and resource (all columns before the measures); ResourceId NULL: charges of no resource';

CREATE TABLE tag_summary (
    x_BillingPeriod VARCHAR NOT NULL,
    BillingCurrency VARCHAR,
    TagKey VARCHAR NOT NULL,
    TagValue VARCHAR,
    BilledCost DECIMAL(38, 18) NOT NULL,
    EffectiveCost DECIMAL(38, 18) NOT NULL,
    ListCost DECIMAL(38, 18) NOT NULL,
    ContractedCost DECIMAL(38, 18) NOT NULL,
    x_CreditCost DECIMAL(38, 18) NOT NULL,
    x_RefundCost DECIMAL(38, 18) NOT NULL,
    x_TaxCost DECIMAL(38, 18) NOT NULL,
    x_ChargeCount BIGINT NOT NULL,
    x_BilledShare DECIMAL(38, 18)
);

COMMENT ON TABLE tag_summary IS 'Costs by billing period, currency, tag key and value; TagValue NULL: charges without that key. Per key the rows sum to the whole bill';
COMMENT ON COLUMN tag_summary.x_BilledShare IS 'Share of the period''s BilledCost in that currency, 0 to 1, rounded half-even at 6 decimals; NULL when that sum is 0';

CREATE TABLE trend_summary (
    x_BillingPeriod VARCHAR NOT NULL,
    BillingCurrency VARCHAR,
    grain VARCHAR NOT NULL CHECK (grain IN ('day', 'week', 'month')),
    bucket_start DATE NOT NULL,
    bucket_end DATE NOT NULL,
    days_covered INTEGER NOT NULL,
    BilledCost DECIMAL(38, 18) NOT NULL,
    EffectiveCost DECIMAL(38, 18) NOT NULL,
    ListCost DECIMAL(38, 18) NOT NULL,
    ContractedCost DECIMAL(38, 18) NOT NULL,
    x_CreditCost DECIMAL(38, 18) NOT NULL,
    x_RefundCost DECIMAL(38, 18) NOT NULL,
    x_TaxCost DECIMAL(38, 18) NOT NULL,
    x_ChargeCount BIGINT NOT NULL,
    previous_BilledCost DECIMAL(38, 18),
    previous_days INTEGER,
    daily_change_percent DECIMAL(38, 18),
    covered_BilledCost DECIMAL(38, 18) NOT NULL
);

COMMENT ON TABLE trend_summary IS 'Costs of each billing period by day, week (from Monday, cut at the period''s ends) and month (the whole billing period)';
COMMENT ON COLUMN trend_summary.bucket_end IS 'Exclusive';
COMMENT ON COLUMN trend_summary.days_covered IS 'Days of the bucket up to the last complete day of all sources';
COMMENT ON COLUMN trend_summary.daily_change_percent IS 'Change of covered_BilledCost / days_covered against previous_BilledCost / previous_days (previous bucket of that grain), in percent of its absolute value, half-even at 6 decimals; NULL without a previous bucket, with a zero one or without covered days';
COMMENT ON COLUMN trend_summary.covered_BilledCost IS 'Part of BilledCost of the covered days: what daily_change_percent compares';

CREATE TABLE mover_summary (
    x_BillingPeriod VARCHAR NOT NULL,
    BillingCurrency VARCHAR,
    dimension VARCHAR NOT NULL,
    key VARCHAR,
    BilledCost DECIMAL(38, 18) NOT NULL,
    previous_BilledCost DECIMAL(38, 18) NOT NULL,
    expected_BilledCost DECIMAL(38, 18) NOT NULL,
    change DECIMAL(38, 18) NOT NULL,
    share_of_change DECIMAL(38, 18)
);

COMMENT ON TABLE mover_summary IS 'What moved against the previous billing period: one row per dimension (ServiceName, SubAccountId, x_ResourceType) and key';
COMMENT ON COLUMN mover_summary.BilledCost IS 'BilledCost of this period''s covered days (up to the last complete day of all sources): no rows without one';
COMMENT ON COLUMN mover_summary.expected_BilledCost IS 'previous_BilledCost brought to this period''s covered days: previous x days_covered / previous days, half-even at 18 decimals';
COMMENT ON COLUMN mover_summary.change IS 'BilledCost - expected_BilledCost';
COMMENT ON COLUMN mover_summary.share_of_change IS 'change / sum of changes of the dimension, half-even at 6 decimals; NULL when that sum is 0';
