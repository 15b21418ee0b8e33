-- reach: how far the usage of a source reaches in its billing periods.
-- A row is one source and billing period with billed charges.
-- usage_through: the latest end of usage charges of at most 24 hours. A usage log has none, as a day without a record is no
-- day without data. usage_from: the first day with usage; for one billing period alone where $period is given.

SELECT p.x_Source, p.x_BillingPeriod, p.usage_through, min(d.ChargeDay) AS usage_from
FROM source_periods AS p
LEFT JOIN daily_costs AS d
    ON
        d.x_Source = p.x_Source AND d.x_BillingPeriod = p.x_BillingPeriod AND d.x_Origin = 'billed'
        AND d.ChargeCategory = 'Usage' AND ($period IS NULL OR d.x_BillingPeriod = $period)
WHERE p.x_Origin = 'billed' AND p.charges > 0
GROUP BY ALL
