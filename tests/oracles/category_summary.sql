-- category_summary from the charges themselves: one row per billing period, currency, ServiceCategory, ServiceName.
WITH billed AS (
    SELECT
        *,
        CASE
            WHEN ChargeCategory IN ('Credit', 'Tax') THEN ChargeCategory
            WHEN ChargeClass = 'Correction' THEN 'Refund'
        END AS part
    FROM charges
    WHERE x_Origin = 'billed'
)
SELECT
    x_BillingPeriod,
    BillingCurrency,
    ServiceCategory,
    ServiceName,
    coalesce(sum(BilledCost), 0) AS BilledCost,
    coalesce(sum(EffectiveCost), 0) AS EffectiveCost,
    coalesce(sum(ListCost), 0) AS ListCost,
    coalesce(sum(ContractedCost), 0) AS ContractedCost,
    coalesce(sum(BilledCost) FILTER (WHERE part = 'Credit'), 0) AS x_CreditCost,
    coalesce(sum(BilledCost) FILTER (WHERE part = 'Refund'), 0) AS x_RefundCost,
    coalesce(sum(BilledCost) FILTER (WHERE part = 'Tax'), 0) AS x_TaxCost,
    count(*) AS x_ChargeCount
FROM billed
GROUP BY x_BillingPeriod, BillingCurrency, ServiceCategory, ServiceName
