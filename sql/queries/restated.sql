-- restated: What did a later delivery of the same billing period change?
-- A row is one account and service that a re-delivery changed; the newest re-delivery first, then most money moved.
-- charges_* count rows; BilledCost_*, change: in BillingCurrency, exact; change is after minus before.
-- is_after_final: the billing period was final already, invoiced or closed by hand.

SELECT
    r.x_BillingPeriod,
    r.x_Source,
    new.delivered_at,
    r.SubAccountId,
    r.ServiceName,
    r.BillingCurrency,
    r.charges_before,
    r.charges_after,
    r.BilledCost_before,
    r.BilledCost_after,
    r.BilledCost_after - r.BilledCost_before AS change,
    r.EffectiveCost_after - r.EffectiveCost_before AS EffectiveCost_change,
    r.reason,
    f.load_id IS NOT NULL AS is_after_final
FROM restatements AS r
INNER JOIN loads AS new ON new.load_id = r.load_id
LEFT JOIN restated_after_final AS f ON f.load_id = r.load_id AND f.restated_at >= r.restated_at
ORDER BY r.restated_at DESC, r.x_BillingPeriod DESC, r.x_Source, abs(change) DESC, r.SubAccountId, r.ServiceName
