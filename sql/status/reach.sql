-- reach: how far the usage of a source reaches in a billing period ($period, NULL for all).
-- A row is one source and billing period with billed charges.
-- usage_from: the first day with usage. usage_through: the latest end of usage charges of at most 24 hours.
-- moved_on: the source has charges of a later billing period.

SELECT
    p.x_Source, p.x_BillingPeriod, p.usage_through,
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
WHERE ($period IS NULL OR p.x_BillingPeriod = $period) AND p.x_Origin = 'billed' AND p.charges > 0
