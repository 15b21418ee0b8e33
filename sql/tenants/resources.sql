-- resources: the resources of a tenant's charges.

SELECT r.*
FROM resources AS r
WHERE r.x_ResourceKey IN (SELECT x_ResourceKey FROM tenant_file.charges)
