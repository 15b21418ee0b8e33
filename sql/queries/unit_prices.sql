-- unit_prices: What did a unit of the dearest SKUs cost in the latest billing period?
-- A row is one provider, SKU, meter, unit and currency of usage; the 30 dearest first.
-- BilledCost, EffectiveCost, ListCost: in BillingCurrency, exact. PricingQuantity: in PricingUnit, exact.
-- effective_unit_price, list_unit_price: BillingCurrency per PricingUnit. DuckDB divides decimals as DOUBLE, so these two
-- have about 15 right digits, rounded to 10 decimals: to compare, not to add up.

SELECT
    x_Provider,
    ServiceName,
    SkuId,
    SkuMeter,
    PricingUnit,
    BillingCurrency,
    sum(BilledCost) AS BilledCost,
    sum(EffectiveCost) AS EffectiveCost,
    sum(ListCost) AS ListCost,
    sum(PricingQuantity) AS PricingQuantity,
    round(CAST(sum(EffectiveCost) AS DOUBLE) / nullif(CAST(sum(PricingQuantity) AS DOUBLE), 0), 10)
        AS effective_unit_price,
    round(CAST(sum(ListCost) AS DOUBLE) / nullif(CAST(sum(PricingQuantity) AS DOUBLE), 0), 10) AS list_unit_price
FROM focus_data_table
WHERE
    x_Origin = 'billed'
    AND ChargeCategory = 'Usage'
    AND PricingQuantity > 0
    AND x_BillingPeriod = (SELECT max(x_BillingPeriod) FROM source_periods WHERE x_Origin = 'billed' AND charges > 0)
GROUP BY x_Provider, ServiceName, SkuId, SkuMeter, PricingUnit, BillingCurrency
ORDER BY EffectiveCost DESC, x_Provider, SkuId, SkuMeter
LIMIT 30
