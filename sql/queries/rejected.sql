-- rejected: Which rows of which files did not become charges, and why?
-- A row is one rejected row of a file, as far as kept (the first 10,000 of a delivery; loads.rows_rejected counts all);
-- the newest load first.
-- record: 1 is the first after the header; line: where the record starts in the file, NULL for Parquet.
-- status: refused when the whole delivery was left out for it.

SELECT
    l.x_Source,
    l.x_BillingPeriod,
    l.status,
    l.loaded_at,
    r.path,
    r.record,
    r.line,
    r.column_name,
    r.value,
    r.reason
FROM rejected_rows AS r
INNER JOIN loads AS l ON l.load_id = r.load_id
ORDER BY l.loaded_at DESC, l.x_Source, l.x_BillingPeriod, r.path, r.record
