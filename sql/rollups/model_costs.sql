-- model_costs: one row per day, provider, service, model and operation of the AI usage of one source and billing period.
-- Recorded usage: all of the category AI and Machine Learning, part of the bill or not; a charge is a call.
-- Billed usage: what its meter counts in tokens; a bill names the model in the meter alone, and tells neither calls nor
-- kinds of tokens: those are NULL.
-- token_BilledCost: of the charges that used tokens, and of what corrects or discounts a meter of tokens.

WITH usage AS (
    SELECT
        x_BillingPeriod, CAST(ChargePeriodStart AS DATE) AS ChargeDay, BillingCurrency, x_Source,
        x_RecordId IS NOT NULL AS is_call, CASE WHEN is_call THEN 'recorded' ELSE x_Origin END AS x_Origin, x_Provider,
        ServiceName, SkuId, SkuMeter, coalesce(BilledCost, 0) AS BilledCost,
        json_extract_string(x_Kept, [
            '$.x_InputTokens', '$.x_CachedInputTokens', '$.x_OutputTokens', '$.x_Images', '$.x_Seconds', '$.x_Success'
        ]) AS kept,
        ConsumedUnit, ConsumedQuantity,
        regexp_extract(
            CASE WHEN NOT is_call THEN lower(ConsumedUnit) END,
            '^\s*(\d[\d,]{0,11})?\s*(k|m|b|thousand|million|billion)?\s*(tokens?|units?|count)?\s*$',
            ['number', 'scale', 'name']
        ) AS unit
    FROM charges
    WHERE
        x_Source = $source AND x_BillingPeriod = $period AND ServiceCategory = 'AI and Machine Learning'
        AND (x_RecordId IS NOT NULL OR ChargeCategory = 'Usage')
),

counted AS (
    SELECT
        *,
        coalesce(TRY_CAST(kept[1] AS DECIMAL(38, 18)), 0) AS input_tokens,
        coalesce(TRY_CAST(kept[3] AS DECIMAL(38, 18)), 0) AS output_tokens,
        CASE WHEN is_call THEN input_tokens + output_tokens ELSE
            coalesce(ConsumedQuantity, 0)
            * CASE WHEN unit.number = '' THEN 1 ELSE CAST(replace(unit.number, ',', '') AS BIGINT) END
            * CASE left(unit.scale, 1) WHEN 'k' THEN 1000 WHEN 't' THEN 1000 WHEN 'm' THEN 1000000 WHEN 'b' THEN 1000000000
                ELSE 1 END
        END AS tokens
    FROM usage
    WHERE
        is_call OR starts_with(unit.name, 'token')
        OR (
            contains(lower(SkuMeter), 'token')
            AND (ConsumedUnit IS NULL OR concat(unit.number, unit.scale, unit.name) <> '')
        )
)

SELECT
    x_BillingPeriod, ChargeDay, BillingCurrency, x_Source, x_Origin, x_Provider, ServiceName,
    CASE WHEN is_call THEN SkuId END AS model, SkuMeter AS operation,
    sum(BilledCost) AS BilledCost,
    coalesce(sum(BilledCost) FILTER (WHERE tokens <> 0 OR NOT is_call), 0) AS token_BilledCost,
    coalesce(sum(tokens), 0) AS tokens,
    sum(input_tokens) FILTER (WHERE is_call) AS input_tokens,
    sum(coalesce(TRY_CAST(kept[2] AS DECIMAL(38, 18)), 0)) FILTER (WHERE is_call) AS cached_input_tokens,
    sum(output_tokens) FILTER (WHERE is_call) AS output_tokens,
    sum(coalesce(TRY_CAST(kept[4] AS DECIMAL(38, 18)), 0)) FILTER (WHERE is_call) AS images,
    sum(coalesce(TRY_CAST(kept[5] AS DECIMAL(38, 18)), 0)) FILTER (WHERE is_call) AS seconds,
    sum(CASE WHEN is_call THEN CAST(coalesce(kept[6], '') = 'false' AS BIGINT) END) AS failed_calls,
    count(*) AS x_ChargeCount
FROM counted
GROUP BY ALL
