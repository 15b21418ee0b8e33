-- restatements: what re-deliveries changed of the billing periods from $first through $last, or those that were delivered on
-- the days from $start to before $end (loaded, where the time of the delivery is not known).
-- A row is one account and service that a re-delivery changed; the newest re-delivery first, then most money moved.

SELECT
    l.delivered_at, r.restated_at, r.x_Source, r.x_BillingPeriod, r.SubAccountId, r.ServiceName, r.BillingCurrency,
    CAST(r.charges_before AS BIGINT) AS charges_before, CAST(r.charges_after AS BIGINT) AS charges_after,
    r.BilledCost_before, r.BilledCost_after, r.EffectiveCost_before, r.EffectiveCost_after, r.load_id, r.reason
FROM restatements AS r
LEFT JOIN loads AS l ON l.load_id = r.load_id
WHERE CASE
    WHEN $by_billing THEN r.x_BillingPeriod BETWEEN $first AND $last
    ELSE coalesce(l.delivered_at, r.restated_at) >= $start AND coalesce(l.delivered_at, r.restated_at) < $end
END
ORDER BY
    coalesce(l.delivered_at, r.restated_at) DESC, r.restated_at DESC, r.x_BillingPeriod DESC, r.x_Source, r.BillingCurrency,
    abs(r.BilledCost_after - r.BilledCost_before) DESC, r.SubAccountId, r.ServiceName
