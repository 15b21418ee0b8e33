-- account_and_team: What did each team spend in each account in the latest billing period?
-- A row is one account, value of the tag `team` and currency; team NULL is what has no such tag.
-- For another tag key write it in place of 'team'.
-- BilledCost, EffectiveCost: in BillingCurrency, exact. x_ChargeCount: rows of the bill.

SELECT
    c.x_BillingPeriod,
    r.x_Provider,
    r.SubAccountId,
    max(r.SubAccountName) AS SubAccountName,
    t.TagValue AS team,
    c.BillingCurrency,
    sum(c.BilledCost) AS BilledCost,
    sum(c.EffectiveCost) AS EffectiveCost,
    CAST(sum(c.x_ChargeCount) AS BIGINT) AS x_ChargeCount
FROM resource_costs AS c
INNER JOIN resources AS r ON r.x_ResourceKey = c.x_ResourceKey
LEFT JOIN effective_tags AS t ON t.x_EffectiveTagSetId = c.x_EffectiveTagSetId AND t.TagKey = 'team'
WHERE
    c.x_Origin = 'billed'
    AND c.x_BillingPeriod = (SELECT max(x_BillingPeriod) FROM source_periods WHERE x_Origin = 'billed' AND charges > 0)
GROUP BY c.x_BillingPeriod, r.x_Provider, r.SubAccountId, t.TagValue, c.BillingCurrency
ORDER BY r.x_Provider, r.SubAccountId, BilledCost DESC, team
