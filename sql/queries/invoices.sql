-- invoices: Do the bills agree with the invoices that accounting has?
-- A row is one InvoiceId and currency, of the bills or of the list of expected invoices; NULL: charges without an invoice.
-- billed, expected, difference: in BillingCurrency, exact; NULL where it is not billed or not expected. `costmill invoices`
-- also tells apart issuers and billing periods where the list names them.

WITH billed AS (
    SELECT
        InvoiceId, BillingCurrency, string_agg(DISTINCT x_BillingPeriod, ', ' ORDER BY x_BillingPeriod) AS x_BillingPeriods,
        sum(BilledCost) AS BilledCost, CAST(sum(x_ChargeCount) AS BIGINT) AS charges
    FROM invoice_costs
    WHERE x_Origin = 'billed'
    GROUP BY InvoiceId, BillingCurrency
),

expected AS (
    SELECT InvoiceId, BillingCurrency, sum(amount) AS amount
    FROM expected_invoices
    GROUP BY InvoiceId, BillingCurrency
)

SELECT
    coalesce(b.InvoiceId, e.InvoiceId) AS InvoiceId,
    coalesce(b.BillingCurrency, e.BillingCurrency) AS BillingCurrency,
    b.x_BillingPeriods,
    b.charges,
    b.BilledCost AS billed,
    e.amount AS expected,
    b.BilledCost - e.amount AS difference
FROM billed AS b
FULL OUTER JOIN expected AS e ON e.InvoiceId = b.InvoiceId AND e.BillingCurrency = b.BillingCurrency
ORDER BY b.x_BillingPeriods DESC, BillingCurrency, InvoiceId
