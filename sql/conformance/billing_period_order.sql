-- billing_period_order: BillingPeriodEnd: lies after BillingPeriodStart.
-- Returns the rows for which that is not so.

SELECT c.*
FROM checked AS c
WHERE
    c.BillingPeriodEnd <= c.BillingPeriodStart
