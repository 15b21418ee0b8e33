-- restatements: what re-deliveries changed of the billing periods from $first through $last, or on the days from $start to
-- before $end.
-- A row is one account and service that a re-delivery changed; the newest re-delivery first, then most money moved.

SELECT
    r.restated_at, r.x_Source, r.x_BillingPeriod, r.SubAccountId, r.ServiceName, r.BillingCurrency,
    CAST(r.charges_before AS BIGINT) AS charges_before, CAST(r.charges_after AS BIGINT) AS charges_after,
    r.BilledCost_before, r.BilledCost_after, r.EffectiveCost_before, r.EffectiveCost_after, r.load_id, r.reason
FROM restatements AS r
WHERE CASE
    WHEN $by_billing THEN r.x_BillingPeriod BETWEEN $first AND $last
    ELSE r.restated_at >= $start AND r.restated_at < $end
END
ORDER BY
    r.restated_at DESC, r.x_BillingPeriod DESC, r.x_Source, r.BillingCurrency,
    abs(r.BilledCost_after - r.BilledCost_before) DESC, r.SubAccountId, r.ServiceName
