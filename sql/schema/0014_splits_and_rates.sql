-- What AWS's split cost allocation says of a charge, and the rates that the configuration gives.

ALTER TABLE charges ADD COLUMN x_SplitParentResourceId VARCHAR;
ALTER TABLE charges ADD COLUMN x_SplitCost DECIMAL(38, 18);
ALTER TABLE charges ADD COLUMN x_SplitUnusedCost DECIMAL(38, 18);
ALTER TABLE charges ADD COLUMN x_SplitListCost DECIMAL(38, 18);
ALTER TABLE charges ADD COLUMN x_SplitUnusedListCost DECIMAL(38, 18);
ALTER TABLE charges ADD COLUMN x_SplitUsage DECIMAL(38, 18);
ALTER TABLE charges ADD COLUMN x_SplitUsageRatio DECIMAL(38, 18);

COMMENT ON COLUMN charges.x_SplitParentResourceId IS 'AWS split cost allocation: ResourceId of the instance whose cost is split; NULL elsewhere';
COMMENT ON COLUMN charges.x_SplitCost IS 'AWS split cost allocation: part of the instance''s cost that this task or pod used, net where given. No part of any total: the instance''s own charge holds it';
COMMENT ON COLUMN charges.x_SplitUnusedCost IS 'AWS split cost allocation: part of what the instance left idle that falls to this task or pod, net where given; no part of any total';
COMMENT ON COLUMN charges.x_SplitListCost IS 'AWS split cost allocation: x_SplitCost at public on-demand prices';
COMMENT ON COLUMN charges.x_SplitUnusedListCost IS 'AWS split cost allocation: x_SplitUnusedCost at public on-demand prices';
COMMENT ON COLUMN charges.x_SplitUsage IS 'AWS split cost allocation: usage of the instance that falls to this task or pod, in vCPU hours or GB hours';
COMMENT ON COLUMN charges.x_SplitUsageRatio IS 'AWS split cost allocation: x_SplitUsage as a share of the instance''s usage';

CREATE TABLE rates (
    x_BillingPeriod VARCHAR NOT NULL,
    from_currency VARCHAR NOT NULL,
    to_currency VARCHAR NOT NULL,
    rate DECIMAL(38, 18) NOT NULL,
    PRIMARY KEY (x_BillingPeriod, from_currency)
);

COMMENT ON TABLE rates IS 'The configuration''s rates (currency.rates), one row per billing period and currency; each run brings them in line with the file';
COMMENT ON COLUMN rates.from_currency IS 'BillingCurrency that is converted';
COMMENT ON COLUMN rates.to_currency IS 'The reporting currency (currency.report)';
COMMENT ON COLUMN rates.rate IS 'What one unit of from_currency is in to_currency: at most 12 decimals, below 1,000,000';

COMMENT ON TABLE settings IS 'What the warehouse remembers of itself: warehouse_id, version (raised by every change, names the published copy), reported_tags (keys that the rollups were made with, JSON), report_currency (currency.report, absent without one), report:PERIOD (what a report was made from)';
