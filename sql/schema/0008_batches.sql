-- Incremental exports: a batch (such as Google's export_time) counts once, whole, whatever files bring it.

ALTER TABLE charges ADD COLUMN x_Batch VARCHAR;
COMMENT ON COLUMN charges.x_Batch IS 'Batch of an incremental export that brought the charge (gcp_billing: export_time, UTC); NULL for snapshots';

CREATE TABLE load_batches (
    x_Source VARCHAR NOT NULL,
    x_BillingPeriod VARCHAR NOT NULL,
    batch VARCHAR NOT NULL,
    load_id VARCHAR NOT NULL,
    mapping VARCHAR NOT NULL,
    rows BIGINT NOT NULL,
    content HUGEINT NOT NULL
);

COMMENT ON TABLE load_batches IS 'The batches of incremental sources that are in charges now: one row per source, billing period and batch';
COMMENT ON COLUMN load_batches.batch IS 'As charges.x_Batch';
COMMENT ON COLUMN load_batches.load_id IS 'The load that brought it';
COMMENT ON COLUMN load_batches.mapping IS 'loads.mapping that it was mapped with: a changed mapping takes it anew';
COMMENT ON COLUMN load_batches.rows IS 'Its rows that are no rejected ones';
COMMENT ON COLUMN load_batches.content IS 'Sum of a hash of each row: the same rows in any order and file have the same';

ALTER TABLE load_controls ADD COLUMN repeated_total DECIMAL(38, 18) DEFAULT 0;
COMMENT ON COLUMN load_controls.repeated_total IS 'Part of file_total in batches that another delivery had brought before; 0 for snapshots';
ALTER TABLE load_controls ADD COLUMN replaced_total DECIMAL(38, 18) DEFAULT 0;
COMMENT ON COLUMN load_controls.replaced_total IS 'Part of charges_total that later deliveries have replaced since, batch by batch; 0 for snapshots';
COMMENT ON TABLE load_controls IS 'The money law, one row per load, currency and law: file_total = charges_total + rejected_total + repeated_total; rounding is what cutting to 18 decimals moved';
