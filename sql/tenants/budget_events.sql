-- budget_events: what happened to a tenant's policies and alerts, numbered anew: the numbers between are of others.

SELECT e.* REPLACE (row_number() OVER (ORDER BY e.number) AS number)
FROM budget_events AS e
WHERE e.tenant_id = $tenant
