-- rejected_rows: what could not be read of a source ($1), newest load first.
-- A row is one rejected row of a file: record 1 is the first after the header.

SELECT
    l.x_BillingPeriod AS period, l.status, r.path AS file, r.record, r.line, r.column_name AS "column", r.value, r.reason
FROM rejected_rows AS r
INNER JOIN loads AS l ON l.load_id = r.load_id
WHERE l.x_Source = $1
ORDER BY l.loaded_at DESC, r.path, r.record
