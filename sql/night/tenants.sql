-- tenants: everybody whom a charge, a policy or an alert belongs to. A row is one of them.

SELECT x_TenantId AS tenant FROM daily_costs WHERE x_TenantId IS NOT NULL
UNION
SELECT tenant_id FROM budgets WHERE tenant_id IS NOT NULL
UNION
SELECT tenant_id FROM budget_alerts WHERE tenant_id IS NOT NULL
ORDER BY tenant
