-- Tags of answers (aliases, virtual tags), tag coverage, shared costs divided, fiscal years.

ALTER TABLE resource_costs ADD COLUMN x_EffectiveTagSetId UUID;

COMMENT ON TABLE resource_costs IS 'Costs by billing period, currency, source, origin, resource, full tag set as billed and as answers have it; NULL costs count as 0';

CREATE TABLE changed_tag_sets (
    x_EffectiveTagSetId UUID NOT NULL,
    Tags VARCHAR NOT NULL
);

COMMENT ON TABLE changed_tag_sets IS 'Tag sets that aliases or virtual tags made: one row per set that no charge is billed with as it is; effective_tag_sets has all';
COMMENT ON COLUMN changed_tag_sets.Tags IS 'Canonical JSON, as in tag_sets';

CREATE TABLE changed_tags (
    x_EffectiveTagSetId UUID NOT NULL,
    TagKey VARCHAR NOT NULL,
    TagValue VARCHAR NOT NULL
);

COMMENT ON TABLE changed_tags IS 'The pairs of each set of changed_tag_sets: one row per set and key; effective_tags has all';

CREATE TABLE tag_aliases (
    TagKey VARCHAR NOT NULL,
    spelling VARCHAR NOT NULL,
    position INTEGER NOT NULL
);

COMMENT ON TABLE tag_aliases IS 'The spellings of each tag key that has aliases (tags.aliases), the key itself first: one row per spelling';
COMMENT ON COLUMN tag_aliases.spelling IS 'Tag key as it is billed';
COMMENT ON COLUMN tag_aliases.position IS 'Where a charge has several, the lowest gives the value; 0 is the key itself';

CREATE TABLE tag_coverage (
    x_BillingPeriod VARCHAR NOT NULL,
    BillingCurrency VARCHAR,
    TagKey VARCHAR NOT NULL,
    dimension VARCHAR NOT NULL,
    owner VARCHAR,
    owner_name VARCHAR,
    tagged_BilledCost DECIMAL(38, 18) NOT NULL,
    untagged_BilledCost DECIMAL(38, 18) NOT NULL,
    tagged_EffectiveCost DECIMAL(38, 18) NOT NULL,
    untagged_EffectiveCost DECIMAL(38, 18) NOT NULL,
    untagged_charges BIGINT NOT NULL,
    x_ChargeCount BIGINT NOT NULL,
    tagged_share DECIMAL(38, 18)
);

COMMENT ON TABLE tag_coverage IS 'How much of each owner''s cost carries each reported tag key: one row per billing period, currency, key and owner. Per key the rows sum to the bill';
COMMENT ON COLUMN tag_coverage.dimension IS 'What the owner is: SubAccountId';
COMMENT ON COLUMN tag_coverage.owner IS 'Value of the dimension; NULL: charges without one';
COMMENT ON COLUMN tag_coverage.owner_name IS 'What the bill calls the owner';
COMMENT ON COLUMN tag_coverage.tagged_BilledCost IS 'BilledCost of the charges with the key';
COMMENT ON COLUMN tag_coverage.untagged_BilledCost IS 'BilledCost of the charges without the key';
COMMENT ON COLUMN tag_coverage.tagged_EffectiveCost IS 'EffectiveCost of the charges with the key';
COMMENT ON COLUMN tag_coverage.untagged_EffectiveCost IS 'EffectiveCost of the charges without the key';
COMMENT ON COLUMN tag_coverage.untagged_charges IS 'Number of charges without the key';
COMMENT ON COLUMN tag_coverage.tagged_share IS 'tagged_BilledCost / all of the owner''s BilledCost, half-even at 6 decimals; NULL when that is 0';

CREATE TABLE cost_splits (
    x_BillingPeriod VARCHAR NOT NULL,
    BillingCurrency VARCHAR,
    rule VARCHAR NOT NULL,
    TagKey VARCHAR NOT NULL,
    x_Source VARCHAR NOT NULL,
    x_ResourceKey UUID,
    ServiceName VARCHAR,
    x_TagSetId UUID,
    target VARCHAR NOT NULL,
    weight DECIMAL(38, 18) NOT NULL,
    weights DECIMAL(38, 18) NOT NULL,
    BilledCost DECIMAL(38, 18) NOT NULL,
    EffectiveCost DECIMAL(38, 18) NOT NULL,
    ListCost DECIMAL(38, 18) NOT NULL,
    ContractedCost DECIMAL(38, 18) NOT NULL
);

COMMENT ON TABLE cost_splits IS 'Shared costs divided by the rules of the configuration: one row per shared resource, service and tag set, and target. The bill itself is not changed; over the targets the parts sum to what was shared';
COMMENT ON COLUMN cost_splits.rule IS 'Name of the split rule; x_SplitRule of the charges that it shares';
COMMENT ON COLUMN cost_splits.TagKey IS 'Tag key whose values are the targets';
COMMENT ON COLUMN cost_splits.target IS 'Value of the tag key that receives the part';
COMMENT ON COLUMN cost_splits.weight IS 'Weight of the target; the part is the cost x weight / weights, to the last digit by largest remainder';
COMMENT ON COLUMN cost_splits.weights IS 'Sum of the weights of all targets';

CREATE TABLE split_rules (
    x_BillingPeriod VARCHAR NOT NULL,
    BillingCurrency VARCHAR,
    rule VARCHAR NOT NULL,
    TagKey VARCHAR NOT NULL,
    method VARCHAR NOT NULL,
    targets INTEGER NOT NULL,
    BilledCost DECIMAL(38, 18) NOT NULL,
    EffectiveCost DECIMAL(38, 18) NOT NULL,
    ListCost DECIMAL(38, 18) NOT NULL,
    ContractedCost DECIMAL(38, 18) NOT NULL,
    x_ChargeCount BIGINT NOT NULL,
    overlapping_charges BIGINT NOT NULL,
    unsplit VARCHAR
);

COMMENT ON TABLE split_rules IS 'What each split rule shared: one row per billing period, currency and rule that matched a charge';
COMMENT ON COLUMN split_rules.rule IS 'Name of the split rule';
COMMENT ON COLUMN split_rules.TagKey IS 'Tag key whose values are the targets';
COMMENT ON COLUMN split_rules.method IS 'even, fixed or proportional';
COMMENT ON COLUMN split_rules.targets IS 'Number of targets; 0 when nothing could be divided';
COMMENT ON COLUMN split_rules.overlapping_charges IS 'Charges of this rule that a later rule matches too: the first one has them';
COMMENT ON COLUMN split_rules.unsplit IS 'Why the cost stays where it is; NULL when it is divided';

CREATE TABLE split_summary (
    x_BillingPeriod VARCHAR NOT NULL,
    BillingCurrency VARCHAR,
    TagKey VARCHAR NOT NULL,
    TagValue VARCHAR,
    own_BilledCost DECIMAL(38, 18) NOT NULL,
    received_BilledCost DECIMAL(38, 18) NOT NULL,
    BilledCost DECIMAL(38, 18) NOT NULL,
    own_EffectiveCost DECIMAL(38, 18) NOT NULL,
    received_EffectiveCost DECIMAL(38, 18) NOT NULL,
    EffectiveCost DECIMAL(38, 18) NOT NULL,
    ListCost DECIMAL(38, 18) NOT NULL,
    ContractedCost DECIMAL(38, 18) NOT NULL
);

COMMENT ON TABLE split_summary IS 'The bill by tag value after shared costs: one row per billing period, currency, tag key that a split rule divides by, and value. Per key the rows sum to the bill';
COMMENT ON COLUMN split_summary.TagValue IS 'Tag value; NULL for charges without the key';
COMMENT ON COLUMN split_summary.own_BilledCost IS 'BilledCost of the charges with the value that are not shared out';
COMMENT ON COLUMN split_summary.received_BilledCost IS 'Parts of shared BilledCost';
COMMENT ON COLUMN split_summary.BilledCost IS 'own_BilledCost + received_BilledCost';
COMMENT ON COLUMN split_summary.own_EffectiveCost IS 'EffectiveCost of the charges with the value that are not shared out';
COMMENT ON COLUMN split_summary.received_EffectiveCost IS 'Parts of shared EffectiveCost';
COMMENT ON COLUMN split_summary.EffectiveCost IS 'own_EffectiveCost + received_EffectiveCost';
COMMENT ON COLUMN split_summary.ListCost IS 'ListCost of the own charges and of the parts';
COMMENT ON COLUMN split_summary.ContractedCost IS 'ContractedCost of the own charges and of the parts';

CREATE TABLE fiscal_summary (
    fiscal_period VARCHAR NOT NULL,
    grain VARCHAR NOT NULL CHECK (grain IN ('quarter', 'year')),
    first_period VARCHAR NOT NULL,
    last_period VARCHAR NOT NULL,
    BillingCurrency VARCHAR,
    months_loaded INTEGER NOT NULL,
    days_covered INTEGER NOT NULL,
    BilledCost DECIMAL(38, 18) NOT NULL,
    EffectiveCost DECIMAL(38, 18) NOT NULL,
    ListCost DECIMAL(38, 18) NOT NULL,
    ContractedCost DECIMAL(38, 18) NOT NULL,
    x_CreditCost DECIMAL(38, 18) NOT NULL,
    x_RefundCost DECIMAL(38, 18) NOT NULL,
    x_TaxCost DECIMAL(38, 18) NOT NULL,
    x_ChargeCount BIGINT NOT NULL,
    covered_BilledCost DECIMAL(38, 18) NOT NULL,
    previous_BilledCost DECIMAL(38, 18),
    previous_days INTEGER,
    daily_change_percent DECIMAL(38, 18)
);

COMMENT ON TABLE fiscal_summary IS 'Costs by fiscal quarter and fiscal year (calendar.fiscal_year_start) and currency: sums of whole billing periods';
COMMENT ON COLUMN fiscal_summary.fiscal_period IS 'FY2026 or FY2026-Q3: a fiscal year has the number of the calendar year in which it ends';
COMMENT ON COLUMN fiscal_summary.grain IS 'quarter or year';
COMMENT ON COLUMN fiscal_summary.first_period IS 'First billing period of the fiscal one, loaded or not';
COMMENT ON COLUMN fiscal_summary.last_period IS 'Last billing period of the fiscal one, loaded or not';
COMMENT ON COLUMN fiscal_summary.months_loaded IS 'Billing periods with charges in this currency, of 3 or 12';
COMMENT ON COLUMN fiscal_summary.days_covered IS 'Days of those up to the last complete day of all sources';
COMMENT ON COLUMN fiscal_summary.covered_BilledCost IS 'Part of BilledCost of the covered days: what daily_change_percent compares';
COMMENT ON COLUMN fiscal_summary.previous_BilledCost IS 'covered_BilledCost of the fiscal quarter or year before; NULL without one';
COMMENT ON COLUMN fiscal_summary.previous_days IS 'days_covered of the one before; NULL without one';
COMMENT ON COLUMN fiscal_summary.daily_change_percent IS 'Change of covered_BilledCost / days_covered against the one before, in percent of its absolute value, half-even at 6 decimals; NULL where there is nothing to compare';

UPDATE resource_costs SET x_EffectiveTagSetId = x_TagSetId;
