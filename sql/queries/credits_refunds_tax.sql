-- credits_refunds_tax: How much of each bill was usage, purchases, credits, refunds and tax?
-- A row is one billing period, provider and currency; the latest first. Each charge counts in one part, so the parts sum
-- to BilledCost. Refunds are corrections (ChargeClass) that are neither credit nor tax.
-- All amounts are BilledCost in BillingCurrency, exact; credits and refunds are negative.

WITH parts AS (
    SELECT
        x_BillingPeriod,
        x_Provider,
        BillingCurrency,
        BilledCost,
        CASE
            WHEN ChargeCategory IN ('Credit', 'Tax') THEN ChargeCategory
            WHEN ChargeClass = 'Correction' THEN 'Refund'
            WHEN ChargeCategory IN ('Usage', 'Purchase') THEN ChargeCategory
            ELSE 'Other'
        END AS part
    FROM daily_costs
    WHERE x_Origin = 'billed'
)

SELECT
    x_BillingPeriod,
    x_Provider,
    BillingCurrency,
    coalesce(sum(BilledCost) FILTER (WHERE part = 'Usage'), 0) AS usage,
    coalesce(sum(BilledCost) FILTER (WHERE part = 'Purchase'), 0) AS purchases,
    coalesce(sum(BilledCost) FILTER (WHERE part = 'Credit'), 0) AS credits,
    coalesce(sum(BilledCost) FILTER (WHERE part = 'Refund'), 0) AS refunds,
    coalesce(sum(BilledCost) FILTER (WHERE part = 'Tax'), 0) AS tax,
    coalesce(sum(BilledCost) FILTER (WHERE part = 'Other'), 0) AS other,
    sum(BilledCost) AS BilledCost
FROM parts
GROUP BY x_BillingPeriod, x_Provider, BillingCurrency
ORDER BY x_BillingPeriod DESC, x_Provider, BillingCurrency
