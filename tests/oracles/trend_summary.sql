-- trend_summary of billing period $period from the charges themselves: one row per currency, grain and bucket.
-- $last_complete_day: last day that usage covers whole; NULL when there is none.
-- The change is made of whole numbers (10^-18 of money), since / gives DOUBLE: good for buckets below 10^10.
WITH months AS (
    SELECT strftime(first_day, '%Y-%m') AS label, first_day, (first_day + INTERVAL 1 MONTH)::DATE AS end_day
    FROM (SELECT unnest([($period || '-01')::DATE, (($period || '-01')::DATE - INTERVAL 1 MONTH)::DATE]) AS first_day)
),
days AS (
    SELECT *, label <> $period OR day <= $last_complete_day AS is_covered
    FROM (SELECT *, unnest(range(first_day, end_day, INTERVAL 1 DAY))::DATE AS day FROM months)
),
buckets AS (
    SELECT label, day, is_covered, 'day' AS grain, day AS bucket_start, day + 1 AS bucket_end FROM days
    UNION ALL
    SELECT label, day, is_covered, 'week', greatest(first_day, monday), least(end_day, monday + 7)
    FROM (SELECT *, date_trunc('week', day)::DATE AS monday FROM days)
    UNION ALL
    SELECT label, day, is_covered, 'month', first_day, end_day FROM days
),
bill AS (
    SELECT
        charges.*, greatest(first_day, least(end_day - 1, ChargePeriodStart::DATE)) AS day,
        CASE
            WHEN ChargeCategory IN ('Credit', 'Tax') THEN ChargeCategory
            WHEN ChargeClass = 'Correction' THEN 'Refund'
        END AS part
    FROM charges
    JOIN months ON label = x_BillingPeriod
    WHERE x_Origin = 'billed'
),
summed AS (
    SELECT
        currencies.*, grain, bucket_start, bucket_end,
        count(DISTINCT buckets.day) FILTER (WHERE is_covered) AS days_covered,
        coalesce(sum(BilledCost), 0) AS BilledCost,
        coalesce(sum(EffectiveCost), 0) AS EffectiveCost,
        coalesce(sum(ListCost), 0) AS ListCost,
        coalesce(sum(ContractedCost), 0) AS ContractedCost,
        coalesce(sum(BilledCost) FILTER (WHERE part = 'Credit'), 0) AS x_CreditCost,
        coalesce(sum(BilledCost) FILTER (WHERE part = 'Refund'), 0) AS x_RefundCost,
        coalesce(sum(BilledCost) FILTER (WHERE part = 'Tax'), 0) AS x_TaxCost,
        count(bill.x_Origin) AS x_ChargeCount,
        coalesce(sum(BilledCost) FILTER (WHERE is_covered), 0) AS covered
    FROM (SELECT DISTINCT x_BillingPeriod, BillingCurrency FROM bill) AS currencies
    JOIN buckets ON label = currencies.x_BillingPeriod
    LEFT JOIN bill
        ON bill.x_BillingPeriod = currencies.x_BillingPeriod
        AND bill.BillingCurrency IS NOT DISTINCT FROM currencies.BillingCurrency
        AND bill.day = buckets.day
    GROUP BY ALL
    HAVING x_ChargeCount > 0 OR days_covered > 0
),
compared AS (
    SELECT
        summed.*, previous.BilledCost AS previous_BilledCost, previous.days_covered AS previous_days,
        replace(summed.covered::VARCHAR, '.', '')::HUGEINT * previous.days_covered
            - replace(previous.BilledCost::VARCHAR, '.', '')::HUGEINT * summed.days_covered AS difference,
        replace(abs(previous.BilledCost)::VARCHAR, '.', '')::HUGEINT * summed.days_covered AS base
    FROM summed
    LEFT JOIN summed AS previous
        ON previous.grain = summed.grain
        AND previous.bucket_end = summed.bucket_start
        AND previous.BillingCurrency IS NOT DISTINCT FROM summed.BillingCurrency
    WHERE summed.x_BillingPeriod = $period
),
quotients AS (
    SELECT
        *, abs(difference) * 100000000 // nullif(base, 0) AS floor,
        2 * (abs(difference) * 100000000 % nullif(base, 0)) AS rest
    FROM compared
)
SELECT
    * EXCLUDE (covered, difference, base, floor, rest),
    CASE
        WHEN floor < 100000000000000000000000000 THEN -- else more than 20 digits: the residue of a sum
            sign(difference) * (floor + (rest > base OR (rest = base AND floor % 2 = 1))::INTEGER)::DECIMAL(32, 0)
            * 0.000001::DECIMAL(6, 6)
    END AS daily_change_percent,
    covered AS covered_BilledCost
FROM quotients
