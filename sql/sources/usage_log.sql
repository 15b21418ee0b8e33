-- usage_log: records of the usage log to charges; x_Origin is recorded, or billed where they are part of the bill.
-- A row is one record that counts here: not one whose id counts elsewhere (x_Repeated). What was recorded is what it
-- cost, on every basis. A moment's charge period is the microsecond that starts with it.
-- x_SourceChanges: number (a quantity that is none), priced (no cost was given: x_Price is it), type (an operation that is
-- not known).

WITH named AS (
    SELECT
        *,
        coalesce(cost, x_Price) AS spent,
        CASE
            WHEN operation IN ('chat_completion', 'text_completion', 'completion', 'responses', 'rerank')
                THEN 'llm_inference'
            WHEN operation IN ('embedding', 'embeddings') THEN 'embedding'
            WHEN operation IN ('transcription', 'translation', 'speech', 'text_to_speech', 'speech_to_text')
                OR operation LIKE 'audio%' THEN 'audio'
            WHEN operation IN ('vision', 'ocr') OR operation LIKE 'image%' OR operation LIKE 'video%' THEN 'vision'
        END AS known_category,
        CASE WHEN input_tokens IS NOT NULL OR output_tokens IS NOT NULL
            THEN coalesce(input_tokens, 0) + coalesce(output_tokens, 0) END AS tokens
    FROM staged
    WHERE x_Problem IS NULL AND NOT x_Repeated
),

metered AS (
    SELECT
        *,
        CASE
            WHEN known_category = 'vision' AND images IS NOT NULL THEN 'Images'
            WHEN known_category = 'audio' AND seconds IS NOT NULL THEN 'Seconds'
            WHEN tokens IS NOT NULL THEN 'Tokens'
            WHEN images IS NOT NULL THEN 'Images'
            WHEN seconds IS NOT NULL THEN 'Seconds'
            ELSE 'Requests'
        END AS unit
    FROM named
)

SELECT
    s.x_BillingPeriod, s.x_Batch, s.x_TagText, s.x_Kept, s.id AS x_RecordId,
    coalesce(s.known_category, 'ai_ml') AS x_CostCategory,
    coalesce(providers.x_Provider, lower(trim(s.provider))) AS x_Provider,
    nullif(concat_ws(
        ' ',
        CASE WHEN s.x_Noted THEN 'number' END,
        CASE WHEN s.cost IS NULL THEN 'priced' END,
        CASE WHEN s.known_category IS NULL THEN 'type' END
    ), '') AS x_SourceChanges,
    s.spent AS BilledCost, s.spent AS EffectiveCost, s.spent AS ListCost, s.spent AS ContractedCost,
    s.currency AS BillingCurrency, s.currency AS PricingCurrency,
    CAST(s.x_BillingPeriod || '-01' AS TIMESTAMP) AS BillingPeriodStart,
    CAST(s.x_BillingPeriod || '-01' AS TIMESTAMP) + INTERVAL 1 MONTH AS BillingPeriodEnd,
    s.time AS ChargePeriodStart,
    s.time + INTERVAL 1 MICROSECOND AS ChargePeriodEnd,
    'Usage' AS ChargeCategory,
    'Usage-Based' AS ChargeFrequency,
    concat_ws(' ', s.operation, s.model) AS ChargeDescription,
    CASE s.unit WHEN 'Images' THEN s.images WHEN 'Seconds' THEN s.seconds WHEN 'Tokens' THEN s.tokens ELSE 1 END
        AS ConsumedQuantity,
    s.unit AS ConsumedUnit,
    s.provider AS ProviderName, s.provider AS ServiceProviderName,
    'AI and Machine Learning' AS ServiceCategory,
    coalesce(s.model, s.provider) AS ServiceName,
    s.model AS SkuId,
    s.operation AS SkuMeter
FROM metered AS s
LEFT JOIN provider_names AS providers ON providers.alias = lower(trim(s.provider))
