-- list: the deliveries of the ledger, for `costmill deliveries list`. $source, $period and $status are NULL for all.
-- A row is one delivery of one billing period; the newest first.

SELECT
    left(load_id, 8) AS id, x_Source AS source, x_BillingPeriod AS period, status,
    coalesce(delivered_at, modified_at) AS delivered, loaded_at AS looked_at, format, rows_read AS rows,
    rows_rejected AS rejected, charges,
    (SELECT max_by(d.decision || ' by ' || d.decided_by, d.decided_at) FROM decisions AS d WHERE d.load_id = l.load_id)
        AS decision,
    reason
FROM loads AS l
WHERE
    ($source IS NULL OR x_Source = $source)
    AND ($period IS NULL OR x_BillingPeriod = $period)
    AND ($status IS NULL OR status = $status)
ORDER BY delivered DESC, source, period DESC, id
