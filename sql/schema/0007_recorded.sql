-- What a recorded entry has beyond its charge. Grain: one row per charge with x_Origin 'recorded'.

CREATE TABLE recorded_entries (
    x_RecordId VARCHAR PRIMARY KEY,
    x_BillingPeriod VARCHAR NOT NULL,
    Metadata VARCHAR NOT NULL,
    saved_at TIMESTAMP NOT NULL
);

COMMENT ON TABLE recorded_entries IS 'One row per entry recorded from Python (CostTracker.record): its id can be taken once. Its money is a row of charges';
COMMENT ON COLUMN recorded_entries.x_RecordId IS 'CostEntry.id, as in charges';
COMMENT ON COLUMN recorded_entries.x_BillingPeriod IS 'Billing period of its charge: the month of its timestamp';
COMMENT ON COLUMN recorded_entries.Metadata IS 'CostEntry.metadata as a JSON object';
COMMENT ON COLUMN recorded_entries.saved_at IS 'When it was saved, UTC';
