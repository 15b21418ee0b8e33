-- charge_in_billing_period: ChargePeriodStart: of usage lies in the billing period (our advice, no rule of FOCUS).
-- Returns the rows for which that is not so.

SELECT c.*
FROM checked AS c
WHERE
    c.ChargeCategory = 'Usage' AND c.ChargeClass IS NULL
    AND (c.ChargePeriodStart < c.BillingPeriodStart OR c.ChargePeriodStart >= c.BillingPeriodEnd)
