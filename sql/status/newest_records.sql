-- newest_records: the start of the day of the newest record that is part of the bill in a billing period ($1).
-- A row is one usage log that has records there; the day is that of all of them.

SELECT m.x_Source, CAST(max(max(m.ChargeDay)) OVER () AS TIMESTAMP) AS newest
FROM model_costs AS m
INNER JOIN source_periods AS own ON own.x_Source = m.x_Source AND own.x_BillingPeriod = m.x_BillingPeriod
WHERE m.x_BillingPeriod = $1 AND m.x_Origin = 'recorded' AND own.x_Origin = 'billed'
GROUP BY m.x_Source
