-- metered_costs: what the charges of a bill ($period, dated before $end; NULL: all of them) and of the whole bill before
-- ($before) came to, and how much was used.
-- A row is one billing period, currency, provider, service, region, kind of charge, SKU, meter and unit.
-- x_Quantity: what is priced, else what was consumed; an unused commitment used nothing. NULL where a single charge has
-- so much that a sum could have too many digits.

WITH billed AS (
    SELECT
        c.x_BillingPeriod, c.BillingCurrency, c.x_Provider, c.ServiceName, r.RegionId, c.ChargeCategory,
        coalesce(c.ChargeClass = 'Correction', false) AS x_IsCorrection, c.SkuId, c.SkuMeter, c.BilledCost,
        c.PricingQuantity IS NOT NULL AND c.PricingUnit IS NOT NULL AS is_priced,
        CASE WHEN is_priced THEN c.PricingUnit WHEN c.ConsumedQuantity IS NOT NULL THEN c.ConsumedUnit END AS x_Unit,
        CASE
            WHEN c.CommitmentDiscountStatus = 'Unused' THEN NULL
            WHEN is_priced THEN c.PricingQuantity
            ELSE c.ConsumedQuantity
        END AS quantity,
        coalesce(abs(quantity) >= CAST(10000000000000 AS DECIMAL(38, 18)), false) AS is_too_much
    FROM charges AS c
    LEFT JOIN resources AS r ON r.x_ResourceKey = c.x_ResourceKey
    WHERE
        c.x_Origin = 'billed'
        AND (
            c.x_BillingPeriod = $before
            OR (c.x_BillingPeriod = $period AND coalesce(c.ChargePeriodStart < CAST($end AS TIMESTAMP), true))
        )
)

SELECT
    x_BillingPeriod, BillingCurrency, x_Provider, ServiceName, RegionId, ChargeCategory, x_IsCorrection, SkuId, SkuMeter,
    x_Unit,
    coalesce(sum(BilledCost), 0) AS BilledCost,
    CASE WHEN NOT bool_or(is_too_much) THEN sum(quantity) FILTER (WHERE NOT is_too_much) END AS x_Quantity,
    count(*) AS x_ChargeCount
FROM billed
GROUP BY ALL
