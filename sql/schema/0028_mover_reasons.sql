-- Why a service's cost moved: its change in mover_summary by reason.

CREATE TABLE mover_reasons (
    x_BillingPeriod VARCHAR NOT NULL,
    BillingCurrency VARCHAR,
    ServiceName VARCHAR,
    reason VARCHAR NOT NULL,
    BilledCost DECIMAL(38, 18) NOT NULL,
    previous_BilledCost DECIMAL(38, 18) NOT NULL,
    expected_BilledCost DECIMAL(38, 18) NOT NULL,
    change DECIMAL(38, 18) NOT NULL
);

COMMENT ON TABLE mover_reasons IS 'Why a service moved against the previous billing period: one row per service and reason; the rows of a service sum to its row of mover_summary';
COMMENT ON COLUMN mover_reasons.reason IS 'usage and price (of meters used in both periods), new and gone (meters used in one), purchase, credit, refund, tax, or other (adjustments, and usage without a quantity to tell usage from price)';
COMMENT ON COLUMN mover_reasons.BilledCost IS 'BilledCost of this period''s covered days; that of the reason price stands in usage, the same charges';
COMMENT ON COLUMN mover_reasons.previous_BilledCost IS 'BilledCost of the previous billing period; that of the reason price stands in usage, the same charges';
COMMENT ON COLUMN mover_reasons.expected_BilledCost IS 'previous_BilledCost brought to this period''s covered days, so that the rows of a service sum to its expected_BilledCost of mover_summary';
COMMENT ON COLUMN mover_reasons.change IS 'BilledCost - expected_BilledCost; of usage the quantity that changed x unit price before, of price the rest';

-- The next run makes the roll-ups of what is loaded anew, and with them its summaries.
UPDATE settings SET value = '' WHERE name = 'reported_tags';
