-- sums: what was billed in a span ($start to before $end, or the billing periods $first to $last), and in the time before it
-- that it is compared with, in groups.
-- A row is a currency and group. covered_BilledCost: through $last_day. A charge of a billing period that is dated outside
-- of its month counts on the month's nearest day. The rows are those of daily_costs, or charges where it lacks a column.

WITH costs AS (
    -- rows
),

placed AS (
    SELECT
        *,
        strptime(x_BillingPeriod, '%Y-%m') AS month,
        CASE
            WHEN $by_billing THEN CAST(least(greatest(ChargeDay, month), last_day(month)) AS DATE)
            ELSE ChargeDay
        END AS day,
        coalesce(CASE
            WHEN $by_billing THEN x_BillingPeriod BETWEEN $first AND $last
            ELSE ChargeDay >= $start AND ChargeDay < $end
        END, false) AS is_own,
        coalesce(CASE
            WHEN $by_billing THEN x_BillingPeriod BETWEEN $first_before AND $last_before
            ELSE ChargeDay >= $start_before AND ChargeDay < $end_before
        END, false) AS is_before
    FROM costs
    WHERE x_Origin = 'billed'
)

SELECT
    -- groups
    BillingCurrency,
    coalesce(sum(BilledCost) FILTER (WHERE is_own), 0) AS BilledCost,
    coalesce(sum(EffectiveCost) FILTER (WHERE is_own), 0) AS EffectiveCost,
    coalesce(sum(ListCost) FILTER (WHERE is_own), 0) AS ListCost,
    coalesce(sum(ContractedCost) FILTER (WHERE is_own), 0) AS ContractedCost,
    coalesce(sum(BilledCost) FILTER (WHERE is_own AND ChargeCategory = 'Credit'), 0) AS x_CreditCost,
    coalesce(sum(BilledCost) FILTER (
        WHERE is_own AND ChargeClass = 'Correction' AND coalesce(ChargeCategory, '') NOT IN ('Credit', 'Tax')
    ), 0) AS x_RefundCost,
    coalesce(sum(BilledCost) FILTER (WHERE is_own AND ChargeCategory = 'Tax'), 0) AS x_TaxCost,
    CAST(coalesce(sum(x_ChargeCount) FILTER (WHERE is_own), 0) AS BIGINT) AS x_ChargeCount,
    coalesce(sum(BilledCost) FILTER (
        WHERE is_own AND ChargeCategory = 'Usage' AND ChargeClass IS DISTINCT FROM 'Correction'
    ), 0) AS usage_BilledCost,
    coalesce(sum(BilledCost) FILTER (WHERE is_own AND day <= $last_day), 0) AS covered_BilledCost,
    coalesce(sum(BilledCost) FILTER (WHERE is_before), 0) AS previous_BilledCost
FROM placed
WHERE is_own OR is_before
GROUP BY ALL
ORDER BY ALL
