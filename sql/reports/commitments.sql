-- commitments: the rollup of commitments of the billing periods from $first through $last, or of the days from $start to
-- before $end, as of one billing period.
-- A row is one of commitment_costs.

SELECT * REPLACE ($first AS x_BillingPeriod)
FROM commitment_costs
WHERE
    x_Origin = 'billed'
    AND CASE
        WHEN $by_billing THEN x_BillingPeriod BETWEEN $first AND $last
        ELSE ChargeDay >= $start AND ChargeDay < $end
    END
