-- budget_alerts: a tenant's alerts.

SELECT a.*
FROM budget_alerts AS a
WHERE a.tenant_id = $tenant
