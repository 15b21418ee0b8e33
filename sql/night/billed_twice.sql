-- billed_twice: providers whose AI usage is in the bill as programs recorded it (bill: true) and as an export has it.
-- A row is a usage log, the first source that bills the same provider in one of its months, the provider, and the last
-- such month.

WITH logs AS (
    SELECT DISTINCT m.x_Source, m.x_BillingPeriod, m.x_Provider
    FROM model_costs AS m
    INNER JOIN source_periods AS p ON p.x_Source = m.x_Source AND p.x_BillingPeriod = m.x_BillingPeriod
    WHERE m.x_Origin = 'recorded' AND p.x_Origin = 'billed'
)

SELECT l.x_Source, min(d.x_Source), l.x_Provider, max(l.x_BillingPeriod)
FROM logs AS l
INNER JOIN daily_costs AS d ON d.x_BillingPeriod = l.x_BillingPeriod AND d.x_Provider = l.x_Provider
WHERE
    d.x_Origin = 'billed'
    AND d.ServiceCategory = 'AI and Machine Learning'
    AND d.x_Source NOT IN (SELECT x_Source FROM logs)
GROUP BY l.x_Source, l.x_Provider
ORDER BY ALL
