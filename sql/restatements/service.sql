-- service: what re-deliveries changed, for `costmill restatements`. $source, $period and $since are NULL for all.
-- A row is one account and service that a re-delivery changed; the newest re-delivery first, then most money moved.

SELECT
    r.restated_at, r.x_Source AS source, r.x_BillingPeriod AS period, r.SubAccountId AS account,
    r.ServiceName AS service, r.BillingCurrency AS currency, r.charges_before, r.charges_after,
    r.charges_after - r.charges_before AS charges_change, r.BilledCost_before, r.BilledCost_after,
    r.BilledCost_after - r.BilledCost_before AS BilledCost_change, r.EffectiveCost_before, r.EffectiveCost_after,
    r.EffectiveCost_after - r.EffectiveCost_before AS EffectiveCost_change, left(r.load_id, 8) AS id, r.reason
FROM restatements AS r
WHERE
    ($source IS NULL OR r.x_Source = $source)
    AND ($period IS NULL OR r.x_BillingPeriod = $period)
    AND ($since IS NULL OR r.restated_at >= $since)
ORDER BY restated_at DESC, period DESC, source, currency, abs(BilledCost_change) DESC, account, service
