-- service_resources: what each resource of a bill cost by service in a billing period ($1), with the accounts' names where
-- the bill gives none.
-- A row is one currency, service and resource as billed, as resource_summary tells resources apart; charges of no
-- resource have ResourceId NULL.

WITH costs AS (
    SELECT
        BillingCurrency, ServiceCategory, ServiceName, x_ResourceKey, sum(BilledCost) AS BilledCost,
        sum(EffectiveCost) AS EffectiveCost, sum(ListCost) AS ListCost
    FROM resource_costs
    WHERE x_BillingPeriod = $1 AND x_Origin = 'billed'
    GROUP BY ALL
)

SELECT
    c.BillingCurrency, c.ServiceCategory, c.ServiceName, r.x_Provider, r.SubAccountId,
    coalesce(r.SubAccountName, a.name) AS SubAccountName, r.RegionId, r.ResourceId, r.ResourceName, r.ResourceType,
    r.x_ResourceType, sum(c.BilledCost) AS billed, sum(c.EffectiveCost) AS effective, sum(c.ListCost) AS list
FROM costs AS c
INNER JOIN resources AS r ON r.x_ResourceKey = c.x_ResourceKey
LEFT JOIN accounts AS a ON a.account_id = r.SubAccountId
GROUP BY ALL
ORDER BY ALL
