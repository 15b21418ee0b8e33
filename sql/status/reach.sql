-- reach: how far the usage of a source reaches in a billing period ($period, NULL for all).
-- A row is one source and billing period with billed charges.
-- usage_from: the first day with usage. usage_through: the latest end of usage charges of at most 24 hours. A usage log has
-- none, as a day without a record is no day without data; in a month of which nothing else tells, it is the start of the
-- day of the newest record of all of them (not where all months are asked for, which tells how fresh sources are).
-- moved_on: the source has charges of a later billing period.

WITH logs AS (
    SELECT m.x_Source, max(max(m.ChargeDay)) OVER () AS newest
    FROM model_costs AS m
    INNER JOIN source_periods AS own ON own.x_Source = m.x_Source AND own.x_BillingPeriod = m.x_BillingPeriod
    WHERE m.x_BillingPeriod = $period AND m.x_Origin = 'recorded' AND own.x_Origin = 'billed'
    GROUP BY m.x_Source
)

SELECT
    p.x_Source, p.x_BillingPeriod,
    CASE
        WHEN max(p.usage_through) OVER (PARTITION BY p.x_BillingPeriod) IS NOT NULL THEN p.usage_through
        ELSE CAST(logs.newest AS TIMESTAMP)
    END AS usage_through,
    (
        SELECT min(d.ChargeDay) FROM daily_costs AS d
        WHERE
            d.x_Source = p.x_Source AND d.x_BillingPeriod = p.x_BillingPeriod AND d.x_Origin = 'billed'
            AND d.ChargeCategory = 'Usage'
    ) AS usage_from,
    EXISTS (
        SELECT 1 FROM source_periods AS later
        WHERE
            later.x_Source = p.x_Source AND later.x_Origin = 'billed'
            AND later.x_BillingPeriod > p.x_BillingPeriod AND later.charges > 0
    ) AS moved_on
FROM source_periods AS p
LEFT JOIN logs ON logs.x_Source = p.x_Source
WHERE ($period IS NULL OR p.x_BillingPeriod = $period) AND p.x_Origin = 'billed' AND p.charges > 0
