-- budget_status: how a tenant's policies stood in each window when a run judged it last.

SELECT s.*
FROM budget_status AS s
WHERE s.budget_id IN (SELECT budget_id FROM budgets WHERE tenant_id = $tenant)
