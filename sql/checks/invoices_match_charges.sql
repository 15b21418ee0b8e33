-- invoices_match_charges: returns the currencies of a source and billing period whose charges and invoices differ.
-- A good load returns no row.

WITH sums AS (
    SELECT 'charges' AS relation, BillingCurrency, coalesce(sum(BilledCost), 0) AS BilledCost, count(*) AS x_ChargeCount
    FROM charges WHERE x_Source = $source AND x_BillingPeriod = $period GROUP BY BillingCurrency
    UNION ALL
    SELECT 'invoice_costs', BillingCurrency, sum(BilledCost), CAST(sum(x_ChargeCount) AS BIGINT)
    FROM invoice_costs WHERE x_Source = $source AND x_BillingPeriod = $period GROUP BY BillingCurrency
)

SELECT BillingCurrency, BilledCost, x_ChargeCount, list(relation) AS relations
FROM sums
GROUP BY BillingCurrency, BilledCost, x_ChargeCount
HAVING count(*) <> 2
