-- The records of the usage log whose ids stand elsewhere: a row is one record of staged that does not count by itself.
-- problem is NULL where it says the same as the one that counts (it is repeated), else it says what differs. Within the
-- delivery the first one counts, before it what is in charges of another segment, another source, or from Python.
-- $source: the source that is being loaded; $names: its files' names.

WITH written AS (
    SELECT
        x_File, x_Record, x_Line, id,
        concat_ws(
            chr(31), time, coalesce(cost, x_Price), currency, provider, operation, coalesce(model, chr(30)),
            coalesce(variant, chr(30)), coalesce(input_tokens, -1),
            coalesce(output_tokens, -1), coalesce(cached_input_tokens, -1), coalesce(images, -1), coalesce(seconds, -1),
            coalesce(x_TagText, chr(30)), coalesce(request_id, chr(30)), coalesce(parent_id, chr(30)),
            coalesce(success, chr(30)), coalesce(metadata, chr(30))
        ) AS content
    FROM staged
    WHERE x_Problem IS NULL
),

repeated AS (
    SELECT
        x_File, x_Record, id, content,
        first_value(x_File) OVER ids AS first_file,
        first_value(coalesce('line ' || x_Line, 'record ' || x_Record)) OVER ids AS first_place,
        first_value(content) OVER ids AS first_content
    FROM written
    WINDOW ids AS (PARTITION BY id ORDER BY x_File, x_Record)
    QUALIFY row_number() OVER ids > 1
),

within AS (
    SELECT
        x_File, x_Record,
        CASE
            WHEN content <> first_content THEN concat(
                'id', chr(31), left(id, 200), chr(31), 'stands in ', first_place,
                CASE WHEN first_file <> x_File THEN ' of ' || list_extract($names, first_file + 1) END,
                ' as well, with other values; an id is of one record'
            )
        END AS problem
    FROM repeated
),

elsewhere AS (
    SELECT
        s.x_File, s.x_Record,
        CASE
            WHEN c.ChargePeriodStart = s.time AND c.BilledCost = coalesce(s.cost, s.x_Price)
                AND c.BillingCurrency = s.currency AND (c.x_LoadId IS NULL OR (
                    c.ProviderName = s.provider AND c.SkuMeter = s.operation AND c.SkuId IS NOT DISTINCT FROM s.model
                    AND c.x_Kept ->> 'x_Variant' IS NOT DISTINCT FROM s.variant
                    AND plain_quantity(c.x_Kept, 'x_InputTokens') IS NOT DISTINCT FROM s.input_tokens
                    AND plain_quantity(c.x_Kept, 'x_OutputTokens') IS NOT DISTINCT FROM s.output_tokens
                    AND plain_quantity(c.x_Kept, 'x_CachedInputTokens') IS NOT DISTINCT FROM s.cached_input_tokens
                    AND plain_quantity(c.x_Kept, 'x_Images') IS NOT DISTINCT FROM s.images
                    AND plain_quantity(c.x_Kept, 'x_Seconds') IS NOT DISTINCT FROM s.seconds
                )) THEN NULL
            WHEN c.x_LoadId IS NULL
                THEN concat('id', chr(31), left(s.id, 200), chr(31), 'was recorded from Python, with other values')
            ELSE concat(
                'id', chr(31), left(s.id, 200), chr(31), 'is loaded with other values, from segment ', c.x_Batch,
                ' of the source ', c.x_Source
            )
        END AS problem
    FROM staged AS s
    INNER JOIN charges AS c ON c.x_RecordId = s.id
    WHERE
        s.x_Problem IS NULL
        AND NOT (c.x_Source = $source AND c.x_Batch IS NOT DISTINCT FROM s.segment)
)

SELECT x_File, x_Record, max(problem) AS problem
FROM (FROM elsewhere UNION ALL FROM within)
GROUP BY x_File, x_Record
