-- Which service a resource's costs are of: what a report opens from category to service to resource.

ALTER TABLE resource_costs ADD COLUMN ServiceCategory VARCHAR;
ALTER TABLE resource_costs ADD COLUMN ServiceName VARCHAR;
COMMENT ON TABLE resource_costs IS 'Costs by billing period, currency, source, origin, service, resource, full tag set as billed and as answers have it, and tenant; NULL costs count as 0';

-- The rollup of what is loaded already is made with the others, by the next run.
UPDATE settings SET value = '' WHERE name = 'reported_tags';
