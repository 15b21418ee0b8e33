-- mover_reasons of billing period $period from the charges themselves: one row per currency, service and reason.
-- $last_complete_day: last day that usage covers whole; NULL when there is none.
-- Money and quantities are whole numbers of 10^-18. What usage moved, cost x more / base, is divided as on paper, digit
-- by digit of the cost, since the product has more digits than HUGEINT: good for quantities below 10^17.
WITH RECURSIVE months AS (
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
        x_BillingPeriod = $period AS is_current, BillingCurrency, ServiceName,
        CASE
            WHEN ChargeCategory = 'Credit' THEN 'credit'
            WHEN ChargeCategory = 'Tax' THEN 'tax'
            WHEN ChargeClass = 'Correction' THEN 'refund'
            WHEN ChargeCategory = 'Purchase' THEN 'purchase'
            WHEN ChargeCategory = 'Usage' THEN 'usage'
            ELSE 'other'
        END AS kind,
        [charges.x_Provider, RegionId, SkuId, SkuMeter] AS meter,
        SkuId IS NOT NULL OR SkuMeter IS NOT NULL AS is_named,
        PricingUnit IS NOT NULL AND PricingQuantity IS NOT NULL AS is_priced,
        CASE WHEN is_priced THEN PricingUnit WHEN ConsumedQuantity IS NOT NULL THEN ConsumedUnit END AS unit,
        CASE WHEN CommitmentDiscountStatus IS DISTINCT FROM 'Unused'
            THEN CASE WHEN is_priced THEN PricingQuantity ELSE ConsumedQuantity END END AS quantity,
        coalesce(BilledCost, 0) AS BilledCost
    FROM charges
    JOIN months ON label = x_BillingPeriod
    LEFT JOIN resources ON resources.x_ResourceKey = charges.x_ResourceKey
    WHERE
        x_Origin = 'billed'
        AND (label <> $period OR greatest(first_day, least(end_day - 1, ChargePeriodStart::DATE)) <= $last_complete_day)
),
presence AS (
    SELECT BillingCurrency, ServiceName, meter, bool_or(is_current) AS is_used, bool_or(NOT is_current) AS was_used
    FROM bill
    WHERE kind = 'usage'
    GROUP BY ALL
),
meters AS (
    SELECT
        bill.BillingCurrency, bill.ServiceName, kind, bill.meter, unit, is_used, was_used,
        is_named AND unit IS NOT NULL AS is_metered,
        replace(coalesce(sum(BilledCost) FILTER (WHERE is_current), 0)::VARCHAR, '.', '')::HUGEINT AS now,
        replace(coalesce(sum(BilledCost) FILTER (WHERE NOT is_current), 0)::VARCHAR, '.', '')::HUGEINT AS before,
        replace(coalesce(sum(quantity) FILTER (WHERE is_current), 0)::VARCHAR, '.', '')::HUGEINT AS quantity,
        replace(coalesce(sum(quantity) FILTER (WHERE NOT is_current), 0)::VARCHAR, '.', '')::HUGEINT AS quantity_before
    FROM bill
    LEFT JOIN presence
        ON kind = 'usage' AND presence.meter = bill.meter
        AND presence.BillingCurrency IS NOT DISTINCT FROM bill.BillingCurrency
        AND presence.ServiceName IS NOT DISTINCT FROM bill.ServiceName
    GROUP BY ALL
),
numbered AS (
    SELECT
        meters.*, row_number() OVER () AS id, days_covered, previous_days,
        quantity * previous_days - quantity_before * days_covered AS more,
        quantity_before * previous_days AS base,
        is_metered AND quantity > 0 AND quantity_before > 0
            AND abs(before)::DOUBLE * abs(more)::DOUBLE / nullif(base, 0)::DOUBLE < 1e33 AS is_compared
    FROM meters, spans
    WHERE days_covered > 0 AND EXISTS (FROM bill WHERE NOT is_current)
),
division AS (
    SELECT id, abs(before)::VARCHAR AS digits, abs(more) % base AS part, base, 0::HUGEINT AS result, 0::HUGEINT AS rest
    FROM numbered
    WHERE is_compared
    UNION ALL
    SELECT
        id, digits[2:], part, base, result * 10 + (rest * 10 + digits[1]::HUGEINT * part) // base,
        (rest * 10 + digits[1]::HUGEINT * part) % base
    FROM division
    WHERE digits <> ''
),
told AS (
    SELECT
        numbered.*,
        CASE WHEN kind <> 'usage' THEN kind WHEN NOT was_used THEN 'new' WHEN NOT is_used THEN 'gone'
            WHEN is_compared THEN 'usage' ELSE 'other' END AS reason,
        abs(before) * (abs(more) // numbered.base) + division.result AS floor,
        CASE WHEN reason = 'usage' THEN sign(before) * sign(more) * (
            floor + (2 * rest > division.base OR (2 * rest = division.base AND floor % 2 = 1))::INTEGER
        ) ELSE 0 END AS moved
    FROM numbered
    LEFT JOIN division ON division.id = numbered.id AND digits = ''
),
services AS (
    SELECT BillingCurrency, ServiceName, 'whole' AS reason, sum(now)::HUGEINT AS now, sum(before)::HUGEINT AS before,
        0::HUGEINT AS moved, any_value(days_covered) AS days_covered, any_value(previous_days) AS previous_days
    FROM told GROUP BY BillingCurrency, ServiceName
    UNION ALL
    SELECT BillingCurrency, ServiceName, reason, sum(now)::HUGEINT, sum(before)::HUGEINT, sum(moved)::HUGEINT,
        any_value(days_covered), any_value(previous_days)
    FROM told GROUP BY BillingCurrency, ServiceName, reason
),
projected AS (
    SELECT
        *, abs(before) * days_covered // previous_days AS floor, 2 * (abs(before) * days_covered % previous_days) AS rest,
        sign(before) * (floor + (rest > previous_days OR (rest = previous_days AND floor % 2 = 1))::INTEGER) AS expected,
        list_position(['usage', 'price', 'new', 'gone', 'purchase', 'credit', 'refund', 'tax', 'other'], reason) AS place
    FROM services
),
fitted AS (
    SELECT
        * EXCLUDE (expected),
        expected + CASE WHEN row_number() OVER (service ORDER BY reason = 'whole', abs(before) DESC, place) = 1 THEN
            sum(CASE WHEN reason = 'whole' THEN expected ELSE -expected END) OVER (service)
        ELSE 0 END::HUGEINT AS expected
    FROM projected
    WINDOW service AS (PARTITION BY BillingCurrency, ServiceName)
),
divided AS (
    SELECT BillingCurrency, ServiceName, reason, now, before, expected,
        CASE WHEN reason = 'usage' THEN moved ELSE now - expected END AS change
    FROM fitted WHERE reason <> 'whole'
    UNION ALL
    SELECT BillingCurrency, ServiceName, 'price', 0, 0, 0, now - expected - moved FROM fitted WHERE reason = 'usage'
)
SELECT
    $period AS x_BillingPeriod, BillingCurrency, ServiceName, reason,
    (now // 1000000000000000000)::DECIMAL(20, 0)
        + (now % 1000000000000000000)::DECIMAL(18, 0) * 0.000000000000000001::DECIMAL(18, 18) AS BilledCost,
    (before // 1000000000000000000)::DECIMAL(20, 0)
        + (before % 1000000000000000000)::DECIMAL(18, 0) * 0.000000000000000001::DECIMAL(18, 18) AS previous_BilledCost,
    (expected // 1000000000000000000)::DECIMAL(20, 0)
        + (expected % 1000000000000000000)::DECIMAL(18, 0) * 0.000000000000000001::DECIMAL(18, 18) AS expected_BilledCost,
    (change // 1000000000000000000)::DECIMAL(20, 0)
        + (change % 1000000000000000000)::DECIMAL(18, 0) * 0.000000000000000001::DECIMAL(18, 18) AS change
FROM divided
WHERE now <> 0 OR before <> 0 OR expected <> 0 OR change <> 0
