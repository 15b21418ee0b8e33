-- source_freshness: How far does the data of each source reach, and what is missing behind it?
-- A row is one source in its latest billing period; the one that lags most first. Figures over several sources end at
-- the earliest last_complete_day.
-- delivered_at, modified_at: UTC; when the provider made the delivery (NULL where it does not say) and when its files
-- changed. last_complete_day: the last day that usage charges of at most 24 hours cover whole. days_behind: days after
-- the source that is furthest.
-- waiting: deliveries of the source that were quarantined or refused and wait for somebody.

WITH latest AS (
    SELECT *
    FROM source_periods
    WHERE x_Origin = 'billed'
    QUALIFY row_number() OVER (PARTITION BY x_Source ORDER BY x_BillingPeriod DESC) = 1
),

begun AS (
    SELECT x_Source, min(ChargeDay) AS usage_from
    FROM daily_costs
    WHERE x_Origin = 'billed' AND ChargeCategory = 'Usage'
    GROUP BY x_Source
),

reach AS (
    SELECT p.x_Source, CAST(max(p.usage_through) - INTERVAL 1 DAY AS DATE) AS covered,
        CASE WHEN covered >= coalesce(any_value(b.usage_from), covered) THEN covered END AS last_complete_day
    FROM source_periods AS p
    LEFT JOIN begun AS b ON b.x_Source = p.x_Source
    WHERE p.x_Origin = 'billed'
    GROUP BY p.x_Source
)

SELECT
    latest.x_Source,
    latest.x_BillingPeriod,
    latest.charges,
    latest.delivered_at,
    latest.modified_at,
    reach.last_complete_day,
    max(reach.last_complete_day) OVER () - reach.last_complete_day AS days_behind,
    (
        SELECT count(*)
        FROM loads
        WHERE loads.x_Source = latest.x_Source AND loads.status IN ('quarantined', 'refused')
    ) AS waiting
FROM latest
INNER JOIN reach ON reach.x_Source = latest.x_Source
ORDER BY days_behind DESC, latest.x_Source
