-- kept_columns: the names of the columns that a tenant's charges keep; the others are of other bills.

SELECT DISTINCT unnest(json_keys(x_Kept)) AS column_name
FROM tenant_file.charges
WHERE x_Kept IS NOT NULL
