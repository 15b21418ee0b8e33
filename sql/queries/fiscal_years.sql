-- fiscal_years: What did each fiscal quarter and year cost, and how does it compare with the one before?
-- A row is one fiscal quarter or year and currency, in the order of time.
-- BilledCost, EffectiveCost: in BillingCurrency, exact. daily_change_percent: by the covered day, exact, 6 decimals.

SELECT
    fiscal_period,
    grain,
    first_period,
    last_period,
    BillingCurrency,
    months_loaded,
    BilledCost,
    EffectiveCost,
    daily_change_percent
FROM fiscal_summary
ORDER BY first_period, grain, BillingCurrency
