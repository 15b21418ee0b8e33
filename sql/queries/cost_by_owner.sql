-- cost_by_owner: Who answers for which part of each month's bill?
-- A row is one owner of the list of accounts in a billing period and currency; NULL: accounts that have no owner there.
-- accounts: how many of the owner's accounts have charges. BilledCost, EffectiveCost: in BillingCurrency, exact.

SELECT
    d.x_BillingPeriod,
    d.BillingCurrency,
    coalesce(own.owner, billing.owner) AS owner,
    count(DISTINCT coalesce(d.SubAccountId, d.BillingAccountId)) AS accounts,
    sum(d.BilledCost) AS BilledCost,
    sum(d.EffectiveCost) AS EffectiveCost
FROM daily_costs AS d
LEFT JOIN accounts AS own ON own.account_id = d.SubAccountId
LEFT JOIN accounts AS billing ON billing.account_id = d.BillingAccountId
WHERE d.x_Origin = 'billed'
GROUP BY ALL
ORDER BY d.x_BillingPeriod DESC, d.BillingCurrency, BilledCost DESC, owner
