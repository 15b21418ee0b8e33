-- The gate: what each delivery was measured at, what was decided about it, how its columns moved.

-- 'rejected' joins the states of a load. A CHECK cannot be altered; it goes with the column that it is about. The update
-- comes last: DuckDB alters no table that has updates outstanding in the same transaction.
CREATE TEMP TABLE former_states AS SELECT load_id, status FROM loads;
ALTER TABLE loads DROP COLUMN status;
ALTER TABLE loads ADD COLUMN status VARCHAR DEFAULT 'loaded';
ALTER TABLE loads ALTER COLUMN status SET NOT NULL;
ALTER TABLE loads ALTER COLUMN status DROP DEFAULT;
ALTER TABLE loads ADD COLUMN column_types VARCHAR;
ALTER TABLE restatements ADD COLUMN reason VARCHAR;
UPDATE loads SET status = f.status FROM former_states AS f WHERE f.load_id = loads.load_id;
DROP TABLE former_states;

COMMENT ON COLUMN loads.status IS 'loaded: in charges now; replaced: was, until a later delivery; superseded: older than what was loaded when it was found; quarantined: waits for a decision; rejected: decided against; refused: could not be read or proven';
COMMENT ON COLUMN loads.column_types IS 'JSON object: column name -> type, as Parquet states it; {} for text, which has no types; NULL for loads of older versions';
COMMENT ON COLUMN restatements.reason IS 'Why there was something new: delivered again, files added, changed mapping, changed settings; NULL for loads of older versions';

CREATE TABLE load_measures (
    load_id VARCHAR NOT NULL,
    measure VARCHAR NOT NULL,
    BillingCurrency VARCHAR,
    compared_load_id VARCHAR,
    loaded DECIMAL(38, 18),
    delivered DECIMAL(38, 18) NOT NULL,
    allowed VARCHAR,
    finding VARCHAR
);

COMMENT ON TABLE load_measures IS 'What the gate measures of each delivery, beside what was loaded for its source and billing period: one row per load, measure and currency';
COMMENT ON COLUMN load_measures.measure IS 'rows, days (covered by usage), accounts (sub accounts), or a cost column';
COMMENT ON COLUMN load_measures.compared_load_id IS 'load_id of what it was compared with; NULL when nothing was loaded';
COMMENT ON COLUMN load_measures.loaded IS 'The measure of what was loaded; NULL when nothing was';
COMMENT ON COLUMN load_measures.delivered IS 'The measure of this delivery';
COMMENT ON COLUMN load_measures.allowed IS 'By how much it may be less, as the source said then (gate)';
COMMENT ON COLUMN load_measures.finding IS 'within, shrunken (past what is allowed), or grown (by more than that a covered day: told, never held back); NULL when nothing was compared';

CREATE TABLE load_members (
    load_id VARCHAR NOT NULL,
    measure VARCHAR NOT NULL,
    member VARCHAR NOT NULL,
    is_gone BOOLEAN NOT NULL
);

COMMENT ON TABLE load_members IS 'The days and accounts of each delivery, by name';
COMMENT ON COLUMN load_members.measure IS 'days or accounts';
COMMENT ON COLUMN load_members.member IS 'The day (YYYY-MM-DD) or the SubAccountId';
COMMENT ON COLUMN load_members.is_gone IS 'True: what it was compared with had it, this delivery has not';

CREATE TABLE load_drift (
    load_id VARCHAR NOT NULL,
    column_name VARCHAR,
    change VARCHAR NOT NULL CHECK (change IN ('new', 'missing', 'retyped', 'version')),
    before VARCHAR,
    after VARCHAR
);

COMMENT ON TABLE load_drift IS 'How the columns of a delivery differ from those of the source''s delivery before it';
COMMENT ON COLUMN load_drift.column_name IS 'The column as the files write it; NULL for the format''s version';
COMMENT ON COLUMN load_drift.change IS 'new, missing, retyped (Parquet only: text has no types), or version (of the format)';
COMMENT ON COLUMN load_drift.before IS 'Type of the column, or version, in the delivery before; NULL when not known';
COMMENT ON COLUMN load_drift.after IS 'Type of the column, or version, in this delivery; NULL when not known';

CREATE TABLE decisions (
    load_id VARCHAR NOT NULL,
    decision VARCHAR NOT NULL CHECK (decision IN ('accepted', 'rejected')),
    decided_at TIMESTAMP NOT NULL,
    decided_by VARCHAR NOT NULL,
    note VARCHAR,
    run_id VARCHAR NOT NULL
);

COMMENT ON TABLE decisions IS 'What somebody decided about deliveries that waited: one row per decision, never deleted';
COMMENT ON COLUMN decisions.decision IS 'accepted or rejected';
COMMENT ON COLUMN decisions.decided_at IS 'When, UTC';
COMMENT ON COLUMN decisions.decided_by IS 'Name of the system''s user who ran the command';
COMMENT ON COLUMN decisions.note IS 'What they said with --note';
