-- models: AI usage of the billing periods from $first through $last, or of the days from $start to before $end.
-- A row is an origin, currency, provider, service, model and operation; the most expensive first.

SELECT
    x_Origin, BillingCurrency, x_Provider, ServiceName, model, operation,
    sum(BilledCost) AS BilledCost, sum(token_BilledCost) AS token_BilledCost, sum(tokens) AS tokens,
    sum(input_tokens) AS input_tokens, sum(cached_input_tokens) AS cached_input_tokens,
    sum(output_tokens) AS output_tokens, sum(images) AS images, sum(seconds) AS seconds,
    CAST(sum(failed_calls) AS BIGINT) AS failed_calls, CAST(sum(x_ChargeCount) AS BIGINT) AS x_ChargeCount
FROM model_costs
WHERE CASE
    WHEN $by_billing THEN x_BillingPeriod BETWEEN $first AND $last
    ELSE ChargeDay >= $start AND ChargeDay < $end
END
GROUP BY ALL
ORDER BY
    BillingCurrency NULLS LAST, sum(BilledCost) DESC, x_Provider NULLS LAST, ServiceName NULLS LAST, model NULLS LAST,
    operation NULLS LAST
