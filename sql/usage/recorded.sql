-- recorded: what was recorded and is stored: one row per window, category, provider, model, operation, currency and success.
-- A NULL provider, model or operation is an entry of CostTracker.record. Windows are half-open and share no moment.
-- $starts, $ends: the windows; $first, $last: the months that they lie in; $kind, $id: the scope; $tenant: whose (NULL:
-- nobody's), for $all_tenants everybody's.

WITH windows AS (
    SELECT unnest(CAST($starts AS TIMESTAMP[])) AS window_start, unnest(CAST($ends AS TIMESTAMP[])) AS window_end
)

SELECT
    w.window_start,
    coalesce(c.x_CostCategory, 'other') AS category,
    c.x_Provider AS provider,
    c.SkuId AS model,
    c.SkuMeter AS operation,
    c.BillingCurrency AS currency,
    coalesce(c.x_Kept ->> 'x_Success', 'true') <> 'false' AS success,
    CAST(count(*) AS BIGINT) AS records,
    sum(c.BilledCost) AS cost,
    coalesce(sum(TRY_CAST(c.x_Kept ->> 'x_InputTokens' AS DECIMAL(38, 18))), 0) AS input_tokens,
    coalesce(sum(TRY_CAST(c.x_Kept ->> 'x_OutputTokens' AS DECIMAL(38, 18))), 0) AS output_tokens,
    coalesce(sum(TRY_CAST(c.x_Kept ->> 'x_CachedInputTokens' AS DECIMAL(38, 18))), 0) AS cached_input_tokens,
    coalesce(sum(TRY_CAST(c.x_Kept ->> 'x_Images' AS DECIMAL(38, 18))), 0) AS images,
    coalesce(sum(TRY_CAST(c.x_Kept ->> 'x_Seconds' AS DECIMAL(38, 18))), 0) AS seconds
FROM charges AS c
INNER JOIN windows AS w ON c.ChargePeriodStart >= w.window_start AND c.ChargePeriodStart < w.window_end
LEFT JOIN resources AS r ON r.x_ResourceKey = c.x_ResourceKey
LEFT JOIN tag_sets AS t ON t.x_TagSetId = c.x_TagSetId
LEFT JOIN tags AS a ON a.x_TagSetId = c.x_TagSetId AND a.TagKey = $kind
WHERE
    c.x_RecordId IS NOT NULL
    AND c.x_BillingPeriod BETWEEN $first AND $last
    AND ($all_tenants OR /* x_TenantId */ NULL IS NOT DISTINCT FROM $tenant)
    AND CASE $kind
        WHEN 'global' THEN true
        WHEN 'provider' THEN c.x_Provider = $id
        WHEN 'service' THEN c.ServiceName = $id
        WHEN 'model' THEN c.SkuId = $id
        WHEN 'category' THEN coalesce(c.x_CostCategory, 'other') = $id
        WHEN 'operation' THEN c.SkuMeter = $id
        ELSE a.TagValue = $id
    END
GROUP BY ALL
