-- invoice_costs: one row per invoice of a source and billing period, by provider, issuer, currency and origin.
-- A NULL cost counts as 0. InvoiceId NULL: charges that name no invoice. x_InvoicedCount leaves out what this program
-- made itself (residues) and what bills nothing: neither can stand on an invoice.

SELECT
    x_Source, x_BillingPeriod, x_Origin, x_Provider, InvoiceIssuerName, InvoiceId, BillingCurrency,
    coalesce(sum(BilledCost), 0) AS BilledCost,
    count(*) AS x_ChargeCount,
    count(*) FILTER (
        WHERE BilledCost <> 0 AND NOT list_contains(string_split(coalesce(x_SourceChanges, ''), ' '), 'residue')
    ) AS x_InvoicedCount
FROM charges
WHERE x_Source = $source AND x_BillingPeriod = $period
GROUP BY ALL
