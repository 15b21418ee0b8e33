-- mover_summary of billing period $period from the charges themselves: one row per currency, dimension and key.
-- $last_complete_day: last day that usage covers whole; NULL when there is none.
-- Quotients are made of whole numbers (10^-18 of money), since / gives DOUBLE: good for changes below 10^13.
WITH months AS (
    SELECT first_day, (first_day + INTERVAL 1 MONTH)::DATE AS end_day, strftime(first_day, '%Y-%m') AS label
    FROM (SELECT unnest([($period || '-01')::DATE, (($period || '-01')::DATE - INTERVAL 1 MONTH)::DATE]) AS first_day)
),
spans AS (
    SELECT
        max(least(end_day, $last_complete_day::DATE + 1) - first_day)
            FILTER (WHERE label = $period AND $last_complete_day IS NOT NULL) AS days_covered,
        max(end_day - first_day) FILTER (WHERE label <> $period) AS previous_days
    FROM months
),
bill AS (
    SELECT
        BillingCurrency,
        unnest(['ServiceName', 'SubAccountId', 'x_ResourceType']) AS dimension,
        unnest([ServiceName, SubAccountId, x_ResourceType]) AS key,
        x_BillingPeriod = $period AS is_current,
        coalesce(BilledCost, 0) AS BilledCost
    FROM charges
    JOIN months ON label = x_BillingPeriod
    LEFT JOIN resources ON resources.x_ResourceKey = charges.x_ResourceKey
    WHERE
        x_Origin = 'billed'
        AND (label <> $period OR greatest(first_day, least(end_day - 1, ChargePeriodStart::DATE)) <= $last_complete_day)
),
summed AS (
    SELECT
        BillingCurrency, dimension, key,
        coalesce(sum(BilledCost) FILTER (WHERE is_current), 0) AS BilledCost,
        coalesce(sum(BilledCost) FILTER (WHERE NOT is_current), 0) AS previous_BilledCost
    FROM bill
    GROUP BY BillingCurrency, dimension, key
),
scaled AS (
    SELECT
        summed.*, previous_days,
        replace(BilledCost::VARCHAR, '.', '')::HUGEINT AS billed,
        sign(previous_BilledCost) AS sign,
        replace(abs(previous_BilledCost)::VARCHAR, '.', '')::HUGEINT * days_covered AS dividend
    FROM summed, spans
    WHERE days_covered > 0 AND EXISTS (FROM bill WHERE NOT is_current)
),
projected AS (
    SELECT
        *, dividend // previous_days AS floor,
        2 * (dividend % previous_days) AS rest,
        sign * (floor + (rest > previous_days OR (rest = previous_days AND floor % 2 = 1))::INTEGER) AS expected
    FROM scaled
),
changed AS (
    SELECT
        *, billed - expected AS change,
        (sum(billed - expected) OVER (PARTITION BY BillingCurrency, dimension))::HUGEINT AS whole
    FROM projected
),
shares AS (
    SELECT
        * EXCLUDE (sign, floor, rest), sign(change) * sign(whole) AS sign,
        abs(change) * 1000000 // nullif(abs(whole), 0) AS floor,
        2 * (abs(change) * 1000000 % nullif(abs(whole), 0)) AS rest
    FROM changed
)
SELECT
    $period AS x_BillingPeriod, BillingCurrency, dimension, key, BilledCost, previous_BilledCost,
    (expected // 1000000000000000000)::DECIMAL(20, 0)
        + (expected % 1000000000000000000)::DECIMAL(18, 0) * 0.000000000000000001::DECIMAL(18, 18)
        AS expected_BilledCost,
    (change // 1000000000000000000)::DECIMAL(20, 0)
        + (change % 1000000000000000000)::DECIMAL(18, 0) * 0.000000000000000001::DECIMAL(18, 18) AS change,
    CASE
        -- NULL past 20 digits, which a part of the residue of a sum can reach.
        WHEN floor < 100000000000000000000000000 THEN
            sign * (floor + (rest > abs(whole) OR (rest = abs(whole) AND floor % 2 = 1))::INTEGER)::DECIMAL(32, 0)
            * 0.000001::DECIMAL(6, 6)
    END AS share_of_change
FROM shares
