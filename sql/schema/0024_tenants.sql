-- Whose a charge is: by a tag rule, its record, or its source.

ALTER TABLE daily_costs ADD COLUMN x_TenantId VARCHAR;
ALTER TABLE resource_costs ADD COLUMN x_TenantId VARCHAR;
ALTER TABLE budget_usage ADD COLUMN x_TenantId VARCHAR;

COMMENT ON TABLE resource_costs IS 'Costs by billing period, currency, source, origin, resource, full tag set as billed and as answers have it, and tenant; NULL costs count as 0';
COMMENT ON TABLE budget_usage IS 'What budgets received that daily_costs cannot answer (hours, filters on other columns): one row per budget, billing period, source, currency, hour or day, kind of charge, resource and tenant';
COMMENT ON COLUMN budgets.tenant_id IS 'Whose policy it is: it counts the charges with that x_TenantId; NULL: no tenant''s, as every budget of the configuration file';

-- Recorded charges say whose they are: the next run makes the rollups anew where there are any.
DELETE FROM settings
WHERE name = 'reported_tags' AND EXISTS (SELECT 1 FROM source_periods WHERE x_Origin = 'recorded');
