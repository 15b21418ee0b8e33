-- charges: one row per recorded entry of incoming_entries (all text, keys as UUID), as a FOCUS charge.
-- What was recorded is what it cost, on every basis. A moment's charge period is the microsecond that starts with it.

SELECT
    'recorded' AS x_Source,
    'recorded' AS x_Origin,
    x_RecordId,
    x_BillingPeriod,
    x_CostCategory,
    x_ResourceKey,
    x_TagSetId,
    CAST(amount AS DECIMAL(38, 18)) AS BilledCost,
    CAST(amount AS DECIMAL(38, 18)) AS EffectiveCost,
    CAST(amount AS DECIMAL(38, 18)) AS ListCost,
    CAST(amount AS DECIMAL(38, 18)) AS ContractedCost,
    BillingCurrency,
    CAST(x_BillingPeriod || '-01' AS TIMESTAMP) AS BillingPeriodStart,
    CAST(x_BillingPeriod || '-01' AS TIMESTAMP) + INTERVAL 1 MONTH AS BillingPeriodEnd,
    CASE WHEN CAST(amount AS DECIMAL(38, 18)) < 0 THEN 'Credit' ELSE 'Usage' END AS ChargeCategory,
    ChargeDescription,
    CAST(moment AS TIMESTAMP) AS ChargePeriodStart,
    CAST(moment AS TIMESTAMP) + INTERVAL 1 MICROSECOND AS ChargePeriodEnd,
    ServiceCategory
FROM incoming_entries
