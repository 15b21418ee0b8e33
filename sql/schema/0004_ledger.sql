-- The ledger: what came, what became of it, and the proof that nothing was lost.

CREATE TABLE runs (
    run_id VARCHAR PRIMARY KEY,
    command VARCHAR NOT NULL,
    version VARCHAR NOT NULL,
    started_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP,
    exit_code INTEGER,
    changed BOOLEAN
);

COMMENT ON TABLE runs IS 'One row per run of the command; ended_at is NULL while it runs or when it was killed. Times UTC';

CREATE TABLE run_steps (
    run_id VARCHAR NOT NULL,
    step VARCHAR NOT NULL,
    subject VARCHAR NOT NULL,
    rows BIGINT,
    cost DECIMAL(38, 18),
    seconds DECIMAL(18, 3) NOT NULL
);

COMMENT ON TABLE run_steps IS 'One row per step of a run: its subject (source, period), rows, BilledCost where one currency was touched, seconds';

CREATE TABLE loads (
    load_id VARCHAR PRIMARY KEY,
    run_id VARCHAR NOT NULL,
    x_Source VARCHAR NOT NULL,
    x_BillingPeriod VARCHAR,
    format VARCHAR,
    format_version VARCHAR,
    fingerprint VARCHAR NOT NULL,
    mapping VARCHAR NOT NULL,
    delivered_at TIMESTAMP,
    modified_at TIMESTAMP NOT NULL,
    loaded_at TIMESTAMP NOT NULL,
    status VARCHAR NOT NULL CHECK (status IN ('loaded', 'replaced', 'superseded', 'quarantined', 'refused')),
    reason VARCHAR,
    rows_read BIGINT NOT NULL,
    rows_mapped BIGINT NOT NULL,
    rows_rejected BIGINT NOT NULL,
    rows_folded BIGINT NOT NULL,
    rows_repeated BIGINT NOT NULL,
    rows_generated BIGINT NOT NULL,
    charges BIGINT NOT NULL,
    columns VARCHAR NOT NULL,
    dropped_columns VARCHAR NOT NULL,
    replaced_by VARCHAR
);

COMMENT ON TABLE loads IS 'One row per delivery and billing period. rows_read = rows_mapped + rows_rejected + rows_folded + rows_repeated; charges = rows_mapped + rows_generated';
COMMENT ON COLUMN loads.load_id IS 'Hash of source, billing period, fingerprint and mapping: the same delivery has the same id anywhere';
COMMENT ON COLUMN loads.fingerprint IS 'Hash of file contents and the settings that change a mapping';
COMMENT ON COLUMN loads.mapping IS 'Hash of the SQL and the reader that mapped it: a changed mapping is loaded anew';
COMMENT ON COLUMN loads.delivered_at IS 'When the provider made the delivery, as its manifest states, UTC; NULL where it does not';
COMMENT ON COLUMN loads.modified_at IS 'Latest change of its files, UTC';
COMMENT ON COLUMN loads.status IS 'loaded: in charges now; replaced: was, until a later delivery; superseded: older than what was loaded when it was found; quarantined: waits for a decision; refused: could not be read or proven';
COMMENT ON COLUMN loads.columns IS 'JSON list of the column names of the files';
COMMENT ON COLUMN loads.dropped_columns IS 'JSON list of the columns that have no FOCUS home and were not kept';
COMMENT ON COLUMN loads.replaced_by IS 'load_id of the delivery that replaced this one';

CREATE TABLE load_files (
    load_id VARCHAR NOT NULL,
    path VARCHAR NOT NULL,
    sha256 VARCHAR NOT NULL,
    bytes BIGINT NOT NULL,
    rows BIGINT NOT NULL
);

COMMENT ON TABLE load_files IS 'The files of each load, with the SHA-256 of their bytes and their rows of this billing period';

CREATE TABLE load_controls (
    load_id VARCHAR NOT NULL,
    BillingCurrency VARCHAR,
    column_name VARCHAR NOT NULL,
    source_expression VARCHAR NOT NULL,
    file_total DECIMAL(38, 18),
    charges_total DECIMAL(38, 18),
    rejected_total DECIMAL(38, 18),
    rounding VARCHAR NOT NULL
);

COMMENT ON TABLE load_controls IS 'The money law, one row per load, currency and cost column: file_total = charges_total + rejected_total; rounding is what cutting to 18 decimals moved';
COMMENT ON COLUMN load_controls.source_expression IS 'What was summed in the file; derived when the column is computed and has no control';
COMMENT ON COLUMN load_controls.rounding IS 'Exact decimal text: sum over the file as written minus file_total; 0 when no value has more than 18 decimals';

CREATE TABLE rejected_rows (
    load_id VARCHAR NOT NULL,
    path VARCHAR NOT NULL,
    record BIGINT,
    line BIGINT,
    column_name VARCHAR,
    value VARCHAR,
    reason VARCHAR NOT NULL
);

COMMENT ON TABLE rejected_rows IS 'Rows that did not become charges: file, record (1 is the first after the header), line where the record starts, column, value (at most 200 characters), why';

CREATE TABLE restatements (
    load_id VARCHAR NOT NULL,
    replaced_load_id VARCHAR NOT NULL,
    x_Source VARCHAR NOT NULL,
    x_BillingPeriod VARCHAR NOT NULL,
    BillingCurrency VARCHAR,
    SubAccountId VARCHAR,
    ServiceName VARCHAR,
    charges_before BIGINT NOT NULL,
    charges_after BIGINT NOT NULL,
    BilledCost_before DECIMAL(38, 18) NOT NULL,
    BilledCost_after DECIMAL(38, 18) NOT NULL,
    EffectiveCost_before DECIMAL(38, 18) NOT NULL,
    EffectiveCost_after DECIMAL(38, 18) NOT NULL
);

COMMENT ON TABLE restatements IS 'What a re-delivery changed, by account and service; only rows where something differs';

CREATE TABLE file_profiles (
    path VARCHAR PRIMARY KEY,
    bytes BIGINT NOT NULL,
    modified_ns BIGINT NOT NULL,
    sha256 VARCHAR NOT NULL
);

COMMENT ON TABLE file_profiles IS 'Content hash of each file seen, so that an untouched file is not read again';

CREATE TABLE profiles (
    sha256 VARCHAR PRIMARY KEY,
    mapping VARCHAR NOT NULL,
    profile VARCHAR NOT NULL
);

COMMENT ON TABLE profiles IS 'What a file holds, as JSON: format, rows by billing period, a sketch of its row keys. Lets a run group known files without reading them';
