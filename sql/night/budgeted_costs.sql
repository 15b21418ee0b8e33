-- budgeted_costs: what budgets count of the billing periods from $1 through $2, and of the days from $3 to before $4, of the
-- origins $5.
-- A row is one day of a billing period, currency, source, provider, resource type, kind of charge, reported tags, and
-- of the columns that filters ask.

SELECT
    x_BillingPeriod, ChargeDay, BillingCurrency, x_Source, x_Origin, x_Provider, x_ResourceType, ChargeCategory,
    ChargeClass, x_ReportedTags,
    -- columns of filters
    sum(BilledCost) AS BilledCost, sum(EffectiveCost) AS EffectiveCost, sum(ListCost) AS ListCost,
    sum(ContractedCost) AS ContractedCost
FROM daily_costs
WHERE
    list_contains($5, x_Origin)
    AND (
        coalesce(x_BillingPeriod BETWEEN $1 AND $2, false)
        OR coalesce(ChargeDay >= CAST($3 AS DATE) AND ChargeDay < CAST($4 AS DATE), false)
    )
GROUP BY ALL
