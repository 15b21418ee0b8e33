-- alert_configs: the thresholds that people set for a tenant's budgets.

SELECT c.*
FROM alert_configs AS c
WHERE c.tenant_id = $tenant
