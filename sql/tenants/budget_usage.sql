-- budget_usage: what a tenant's policies received that daily_costs cannot answer.

SELECT u.*
FROM budget_usage AS u
WHERE u.x_TenantId = $tenant AND u.budget_id IN (SELECT budget_id FROM budgets WHERE tenant_id = $tenant)
