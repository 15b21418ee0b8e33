-- cost_anomalies of $days from the charges themselves: one row per day, currency, and nothing, or provider and service.
-- Money is whole numbers (10^-18), since / gives DOUBLE: good for costs below 10^9. $sensitivity and $percent are whole
-- numbers of millionths, $floor money; $falls says whether less is an anomaly too.
WITH used AS (
    SELECT
        ChargePeriodStart::DATE AS day, BillingCurrency, x_Provider, ServiceName,
        replace(coalesce(BilledCost, 0)::VARCHAR, '.', '')::HUGEINT AS cost
    FROM charges
    WHERE x_Origin = 'billed' AND ChargeCategory = 'Usage' AND ChargeClass IS DISTINCT FROM 'Correction'
),
costs AS (
    SELECT day, BillingCurrency, NULL AS x_Provider, NULL AS ServiceName, sum(cost)::HUGEINT AS cost, true AS is_total
    FROM used
    GROUP BY day, BillingCurrency
    UNION ALL
    SELECT day, BillingCurrency, x_Provider, ServiceName, sum(cost)::HUGEINT, false
    FROM used
    WHERE x_Provider IS NOT NULL AND ServiceName IS NOT NULL
    GROUP BY day, BillingCurrency, x_Provider, ServiceName
),
asked AS (
    SELECT total.day, scope.* EXCLUDE (day, cost)
    FROM costs AS total
    JOIN (SELECT DISTINCT ON (BillingCurrency, x_Provider, ServiceName) * FROM costs) AS scope
        ON scope.BillingCurrency IS NOT DISTINCT FROM total.BillingCurrency
    WHERE total.is_total AND list_contains($days, total.day)
),
usual AS (
    SELECT
        asked.day, asked.BillingCurrency, asked.x_Provider, asked.ServiceName,
        coalesce(any_value(past.cost) FILTER (WHERE past.day = asked.day), 0) AS cost,
        list_sort(coalesce(list(past.cost) FILTER (WHERE past.day < asked.day), [])) AS others
    FROM asked
    LEFT JOIN costs AS past
        ON past.BillingCurrency IS NOT DISTINCT FROM asked.BillingCurrency
        AND past.x_Provider IS NOT DISTINCT FROM asked.x_Provider
        AND past.ServiceName IS NOT DISTINCT FROM asked.ServiceName
        AND (asked.day - past.day) % 7 = 0 AND asked.day - past.day BETWEEN 0 AND 7 * $weeks
    GROUP BY asked.day, asked.BillingCurrency, asked.x_Provider, asked.ServiceName
),
expected AS (
    SELECT
        * EXCLUDE (others), others,
        others[(len(others) + 1) // 2] + others[len(others) // 2 + 1] AS twice,
        CASE WHEN len(others) >= 4 THEN
            sign(twice) * (abs(twice) // 2 + (abs(twice) % 2 = 1 AND abs(twice) // 2 % 2 = 1)::HUGEINT)
        END AS expected
    FROM usual
),
deviated AS (
    SELECT
        *,
        list_sort(list_transform(others, lambda each: abs(each - expected))) AS away,
        away[(len(away) + 1) // 2] + away[len(away) // 2 + 1] AS twice_away,
        CASE WHEN expected IS NOT NULL THEN
            twice_away // 2 + (twice_away % 2 = 1 AND twice_away // 2 % 2 = 1)::HUGEINT
        END AS deviation
    FROM expected
)
SELECT
    day AS ChargeDay, BillingCurrency, x_Provider, ServiceName, cost AS BilledCost, expected AS expected_BilledCost,
    deviation,
    coalesce(
        (cost > expected OR $falls)
        AND abs(cost - expected) * 10000000000 > $sensitivity::HUGEINT * 14826 * deviation
        AND abs(cost - expected) >= $floor::HUGEINT * 1000000000000000000
        AND abs(cost - expected) * 100000000 >= $percent::HUGEINT * abs(expected),
        false
    ) AS is_anomaly
FROM deviated
