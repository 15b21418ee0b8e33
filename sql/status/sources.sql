-- sources: what is known of each source and billing period, for `costmill status`; what is missing is added to it.
-- A row is what is loaded in a currency, what was unloaded, or the newest delivery that waits (refused or quarantined and
-- not followed by a newer one; no delivery of an incremental source is followed by another). waiting: how many wait in all.

WITH waiting AS (
    SELECT
        w.x_Source, w.x_BillingPeriod, w.status, w.reason, w.delivered_at, w.rows_read,
        row_number() OVER own AS age, count(*) OVER (PARTITION BY w.x_Source, w.x_BillingPeriod) AS waiting
    FROM loads AS w
    LEFT JOIN source_periods AS p ON p.x_Source = w.x_Source AND p.x_BillingPeriod = w.x_BillingPeriod
    WHERE
        w.status IN ('refused', 'quarantined')
        AND (p.x_Source IS NULL
            OR EXISTS (
                SELECT 1 FROM load_batches AS b WHERE b.x_Source = w.x_Source AND b.x_BillingPeriod = w.x_BillingPeriod)
            OR coalesce(w.delivered_at, w.modified_at) > coalesce(p.delivered_at, p.modified_at))
    WINDOW own AS (
        PARTITION BY w.x_Source, w.x_BillingPeriod ORDER BY coalesce(w.delivered_at, w.modified_at) DESC, w.load_id)
),

costs AS (
    SELECT
        x_Source, x_BillingPeriod, x_Origin, BillingCurrency, sum(BilledCost) AS BilledCost,
        count(DISTINCT InvoiceId) AS invoices
    FROM invoice_costs
    GROUP BY ALL
)

SELECT
    p.x_Source AS source, p.x_BillingPeriod AS period,
    CASE
        WHEN p.x_Origin <> 'billed' THEN p.x_Origin
        WHEN p.charges = 0 THEN 'empty'
        ELSE coalesce(s.state, 'open')
    END AS state,
    p.charges, c.BilledCost, c.BillingCurrency AS currency, p.delivered_at,
    coalesce(c.invoices, 0) AS invoices,
    CASE WHEN s.state = 'open' THEN NULL ELSE concat_ws(': ', s.final_by, s.note) END AS reason, 0 AS waiting
FROM source_periods AS p
LEFT JOIN costs AS c ON c.x_Source = p.x_Source AND c.x_BillingPeriod = p.x_BillingPeriod AND c.x_Origin = p.x_Origin
LEFT JOIN period_states AS s
    ON s.x_Source = p.x_Source AND s.x_BillingPeriod = p.x_BillingPeriod AND p.x_Origin = 'billed'
UNION ALL
SELECT DISTINCT
    u.x_Source, u.x_BillingPeriod, 'unloaded', 0, NULL, NULL, NULL, 0, 'by hand; costmill reload loads it again', 0
FROM unloaded AS u
WHERE NOT EXISTS (
    SELECT 1 FROM source_periods AS p
    WHERE p.x_Source = u.x_Source AND p.x_BillingPeriod = u.x_BillingPeriod AND p.load_id IS NOT NULL
)
UNION ALL
SELECT w.x_Source, w.x_BillingPeriod, w.status, w.rows_read, NULL, NULL, w.delivered_at, 0, w.reason, w.waiting
FROM waiting AS w
WHERE w.age = 1
ORDER BY source, period, state, currency
