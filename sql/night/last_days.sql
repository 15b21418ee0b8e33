-- last_days: how far usage reaches in a billing period ($1), and whether the source has gone on to a later one.
-- A row is one source with billed charges in the period.

SELECT p.x_Source, p.usage_through, EXISTS (
        SELECT 1 FROM source_periods AS later
        WHERE later.x_Source = p.x_Source AND later.x_BillingPeriod > p.x_BillingPeriod AND later.charges > 0
    ) AS moved_on
FROM source_periods AS p
WHERE p.x_BillingPeriod = $1 AND p.x_Origin = 'billed' AND p.charges > 0
