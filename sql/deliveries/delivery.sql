-- delivery: one delivery of the ledger, for `costmill deliveries show`. $load_id is its whole id.
-- A row is that delivery.

SELECT
    load_id AS id, x_Source AS source, x_BillingPeriod AS period, status, format, format_version AS version,
    delivered_at AS delivered, modified_at AS modified, loaded_at AS looked_at, rows_read AS rows,
    rows_rejected AS rejected, rows_folded AS folded, charges, replaced_by,
    CAST(dropped_columns AS VARCHAR) AS dropped_columns, reason
FROM loads
WHERE load_id = $load_id
