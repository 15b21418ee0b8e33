-- ai_models: What did each model cost in the latest billing period with AI usage, and what did a million of its tokens?
-- A row is one origin, provider, service, model, operation and currency of AI usage; recorded ones first, the dearest first.
-- Recorded and billed usage are the same money told twice: never add them. Of billed usage the operation is the meter.
-- BilledCost: in BillingCurrency, exact. calls: of billed usage NULL. tokens: exact. cost_per_million_tokens: in
-- BillingCurrency, of what used tokens; cached_percent: of the input tokens. DuckDB divides decimals as DOUBLE: those
-- two have about 15 right digits, rounded to 6 and 1 decimals; model_summary has them exact.

SELECT
    x_BillingPeriod,
    x_Origin,
    x_Provider,
    ServiceName,
    model,
    operation,
    BillingCurrency,
    sum(BilledCost) AS BilledCost,
    CASE WHEN x_Origin = 'recorded' THEN sum(x_ChargeCount) END AS calls,
    sum(failed_calls) AS failed_calls,
    sum(tokens) AS tokens,
    round(1000000 * (CAST(sum(token_BilledCost) AS DOUBLE) / nullif(CAST(sum(tokens) AS DOUBLE), 0)), 6)
        AS cost_per_million_tokens,
    round(100 * (CAST(sum(cached_input_tokens) AS DOUBLE) / nullif(CAST(sum(input_tokens) AS DOUBLE), 0)), 1)
        AS cached_percent
FROM model_costs
WHERE x_BillingPeriod = (SELECT max(x_BillingPeriod) FROM model_costs)
GROUP BY x_BillingPeriod, x_Origin, x_Provider, ServiceName, model, operation, BillingCurrency
ORDER BY x_Origin DESC, BillingCurrency, BilledCost DESC, x_Provider, model, operation
