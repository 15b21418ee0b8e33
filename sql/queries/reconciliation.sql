-- reconciliation: What was loaded, when, and does it agree with the files to the last digit?
-- A row is one delivery of a billing period and currency; the newest load first. What is replaced, superseded,
-- quarantined or refused is listed too, with the reason.
-- rows_*: rows of the files; charges: rows in charges when it was loaded.
-- file_BilledCost, charges_BilledCost, rejected_BilledCost, repeated_BilledCost (batches that another delivery had brought):
-- control totals in BillingCurrency, exact; NULL where nothing was loaded. is_reconciled: every control of that load and
-- currency holds.

WITH controls AS (
    SELECT
        load_id,
        BillingCurrency,
        sum(file_total) FILTER (WHERE column_name = 'BilledCost') AS file_BilledCost,
        sum(charges_total) FILTER (WHERE column_name = 'BilledCost') AS charges_BilledCost,
        sum(rejected_total) FILTER (WHERE column_name = 'BilledCost') AS rejected_BilledCost,
        sum(repeated_total) FILTER (WHERE column_name = 'BilledCost') AS repeated_BilledCost,
        bool_and(file_total = charges_total + rejected_total + repeated_total) AS is_reconciled
    FROM load_controls
    GROUP BY load_id, BillingCurrency
)

SELECT
    l.x_Source,
    l.x_BillingPeriod,
    l.status,
    l.delivered_at,
    l.loaded_at,
    l.format,
    l.format_version,
    l.rows_read,
    l.rows_rejected,
    l.rows_folded,
    l.rows_repeated,
    l.charges,
    c.BillingCurrency,
    c.file_BilledCost,
    c.charges_BilledCost,
    c.rejected_BilledCost,
    c.repeated_BilledCost,
    c.is_reconciled,
    l.reason
FROM loads AS l
LEFT JOIN controls AS c ON c.load_id = l.load_id
ORDER BY l.loaded_at DESC, l.x_Source, l.x_BillingPeriod DESC, c.BillingCurrency
