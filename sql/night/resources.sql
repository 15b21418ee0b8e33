-- resources: the resources that have charges in a billing period ($1), with the accounts' names where the bill gives none.
-- A row is one of the dimension resources.

SELECT r.* REPLACE (coalesce(r.SubAccountName, a.name) AS SubAccountName)
FROM resources AS r
LEFT JOIN accounts AS a ON a.account_id = r.SubAccountId
WHERE r.x_ResourceKey IN (SELECT x_ResourceKey FROM resource_costs WHERE x_BillingPeriod = $1)
