-- azure_cost_views: what tells an actual from an amortized view, and whether two views agree.
-- A row is one file, billing period, currency and kind of charge, with its rows, money and last day.

SELECT
    x_File,
    x_BillingPeriod,
    BillingCurrency,
    coalesce(lower(ChargeType), 'usage') AS charge_type,
    azure_committed(ChargeType, PricingModel, coalesce(BenefitId, ReservationId)) AS is_committed,
    count(*) AS charges,
    count(*) FILTER (WHERE CostInBillingCurrency <> 0) AS paid,
    sum(CostInBillingCurrency) AS cost,
    max("Date") AS last_day
FROM staged
WHERE x_Problem IS NULL
GROUP BY ALL
ORDER BY ALL
