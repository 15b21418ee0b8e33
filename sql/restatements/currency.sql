-- currency: what re-deliveries changed in all, for `costmill restatements --by currency`. Parameters as in service.sql.
-- A row is one currency.

SELECT
    r.BillingCurrency AS currency, count(DISTINCT (r.load_id, r.restated_at)) AS deliveries, count(*) AS lines,
    CAST(sum(r.charges_after - r.charges_before) AS BIGINT) AS charges_change,
    sum(r.BilledCost_after - r.BilledCost_before) AS BilledCost_change,
    sum(r.EffectiveCost_after - r.EffectiveCost_before) AS EffectiveCost_change
FROM restatements AS r
WHERE
    ($source IS NULL OR r.x_Source = $source)
    AND ($period IS NULL OR r.x_BillingPeriod = $period)
    AND ($since IS NULL OR r.restated_at >= $since)
GROUP BY ALL
ORDER BY currency
