-- budgets: a tenant's policies, those that ended included.

SELECT b.*
FROM budgets AS b
WHERE b.tenant_id = $tenant
