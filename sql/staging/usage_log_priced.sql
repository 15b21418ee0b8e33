-- The records of the usage log that say no cost and have no price yet: a row is one of them, with what it used.
-- BilledCost is what it costs already: a record that is loaded, from wherever, or was recorded from Python, keeps its cost.

SELECT
    s.x_File, s.x_Record, s.time, s.currency, s.provider, s.model, s.variant, s.input_tokens, s.output_tokens,
    s.cached_input_tokens, s.images, s.seconds, s.x_Noted, c.BilledCost
FROM staged AS s
LEFT JOIN charges AS c
    ON c.x_RecordId = s.id
    AND c.BillingCurrency = s.currency
    AND c.ChargePeriodStart = s.time
    AND (c.x_LoadId IS NULL OR (
        c.ProviderName = s.provider AND c.SkuMeter = s.operation AND c.SkuId IS NOT DISTINCT FROM s.model
        AND c.x_Kept ->> 'x_Variant' IS NOT DISTINCT FROM s.variant
        AND plain_quantity(c.x_Kept, 'x_InputTokens') IS NOT DISTINCT FROM s.input_tokens
        AND plain_quantity(c.x_Kept, 'x_OutputTokens') IS NOT DISTINCT FROM s.output_tokens
        AND plain_quantity(c.x_Kept, 'x_CachedInputTokens') IS NOT DISTINCT FROM s.cached_input_tokens
        AND plain_quantity(c.x_Kept, 'x_Images') IS NOT DISTINCT FROM s.images
        AND plain_quantity(c.x_Kept, 'x_Seconds') IS NOT DISTINCT FROM s.seconds
    ))
WHERE s.cost IS NULL AND s.x_Price IS NULL AND s.x_Problem IS NULL
LIMIT $most
