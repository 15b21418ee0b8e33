-- source_periods: one row per source, billing period and origin that a tenant has charges of. How far the source reaches is
-- the source's: a day on which the tenant used nothing is no day without data.

SELECT
    p.x_Source, p.x_BillingPeriod, p.x_Origin, NULL AS load_id, p.delivered_at, p.modified_at, own.charges, p.usage_through
FROM (
    SELECT x_Source, x_BillingPeriod, x_Origin, count(*) AS charges
    FROM tenant_file.charges
    GROUP BY ALL
) AS own
INNER JOIN source_periods AS p
    ON p.x_Source = own.x_Source AND p.x_BillingPeriod = own.x_BillingPeriod AND p.x_Origin = own.x_Origin
