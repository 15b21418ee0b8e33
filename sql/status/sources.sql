-- sources: the state of each source and billing period, for `costmill status`.
-- A row is what is loaded, or the newest delivery that waits (refused or quarantined and not followed by a newer one).

WITH waiting AS (
    SELECT
        x_Source, x_BillingPeriod, status, reason, delivered_at, modified_at, rows_read, rows_rejected,
        row_number() OVER (PARTITION BY x_Source, x_BillingPeriod ORDER BY coalesce(delivered_at, modified_at) DESC) AS age
    FROM loads
    WHERE status IN ('refused', 'quarantined')
),

costs AS (
    SELECT x_Source, x_BillingPeriod, x_Origin, BillingCurrency, sum(BilledCost) AS BilledCost
    FROM daily_costs
    GROUP BY ALL
)

SELECT
    p.x_Source AS source, p.x_BillingPeriod AS period, 'loaded' AS state, p.charges, c.BilledCost,
    c.BillingCurrency AS currency, p.delivered_at, CAST(p.usage_through AS DATE) - 1 AS last_complete_day,
    CAST(NULL AS VARCHAR) AS reason
FROM source_periods AS p
LEFT JOIN costs AS c ON c.x_Source = p.x_Source AND c.x_BillingPeriod = p.x_BillingPeriod AND c.x_Origin = p.x_Origin
UNION ALL
SELECT
    w.x_Source, w.x_BillingPeriod, w.status, w.rows_read, NULL, NULL, w.delivered_at, NULL, w.reason
FROM waiting AS w
LEFT JOIN source_periods AS p ON p.x_Source = w.x_Source AND p.x_BillingPeriod = w.x_BillingPeriod
WHERE
    w.age = 1
    AND (p.x_Source IS NULL
        OR coalesce(w.delivered_at, w.modified_at) > coalesce(p.delivered_at, p.modified_at))
ORDER BY source, period, state, currency
