-- rates: the rates that a tenant's charges are converted by.

SELECT r.*
FROM rates AS r
WHERE (r.x_BillingPeriod, r.from_currency) IN (SELECT (x_BillingPeriod, BillingCurrency) FROM tenant_file.charges)
