-- resources: the resources that have charges in a billing period ($1).
-- A row is one of the dimension resources.

SELECT *
FROM resources
WHERE x_ResourceKey IN (SELECT x_ResourceKey FROM resource_costs WHERE x_BillingPeriod = $1)
