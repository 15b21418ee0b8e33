-- charge_period_order: ChargePeriodEnd: lies after ChargePeriodStart.
-- Returns the rows for which that is not so.

SELECT c.*
FROM checked AS c
WHERE
    c.ChargePeriodEnd <= c.ChargePeriodStart
