-- delivery: what each re-delivery changed in all, for `costmill restatements --by delivery`. Parameters as in service.sql.
-- A row is one re-delivery and currency; the newest first.

SELECT
    r.restated_at, r.x_Source AS source, r.x_BillingPeriod AS period, r.BillingCurrency AS currency,
    count(*) AS lines, CAST(sum(r.charges_after - r.charges_before) AS BIGINT) AS charges_change,
    sum(r.BilledCost_before) AS BilledCost_before, sum(r.BilledCost_after) AS BilledCost_after,
    sum(r.BilledCost_after - r.BilledCost_before) AS BilledCost_change,
    sum(r.EffectiveCost_before) AS EffectiveCost_before, sum(r.EffectiveCost_after) AS EffectiveCost_after,
    sum(r.EffectiveCost_after - r.EffectiveCost_before) AS EffectiveCost_change,
    left(r.load_id, 8) AS id, left(r.replaced_load_id, 8) AS replaced_id, r.reason
FROM restatements AS r
WHERE
    ($source IS NULL OR r.x_Source = $source)
    AND ($period IS NULL OR r.x_BillingPeriod = $period)
    AND ($since IS NULL OR r.restated_at >= $since)
GROUP BY ALL
ORDER BY restated_at DESC, period DESC, source, currency
