-- sums: the sums of the selected charges: one row per currency ('total'), and per currency and category, resource id,
-- or tag key and value. Grouped by ids first. Charges of no resource have no resource row, untagged ones no tag row.

WITH by_id AS (
    SELECT
        coalesce(BillingCurrency, 'XXX') AS currency, coalesce(x_CostCategory, 'other') AS category,
        x_ResourceKey, x_TagSetId, coalesce(sum(BilledCost), 0) AS amount, count(*) AS entries
    FROM selected
    GROUP BY ALL
)

SELECT 'total' AS kind, currency, NULL AS key, NULL AS value, sum(amount) AS amount, CAST(sum(entries) AS BIGINT) AS entries
FROM by_id
GROUP BY ALL
UNION ALL
SELECT 'category', currency, category, NULL, sum(amount), CAST(sum(entries) AS BIGINT)
FROM by_id
GROUP BY ALL
UNION ALL
SELECT 'resource', c.currency, r.ResourceId, NULL, sum(c.amount), CAST(sum(c.entries) AS BIGINT)
FROM by_id AS c
INNER JOIN resources AS r ON r.x_ResourceKey = c.x_ResourceKey
WHERE r.ResourceId <> ''
GROUP BY ALL
UNION ALL
SELECT 'tag', c.currency, t.TagKey, t.TagValue, sum(c.amount), CAST(sum(c.entries) AS BIGINT)
FROM by_id AS c
INNER JOIN tags AS t ON t.x_TagSetId = c.x_TagSetId
GROUP BY ALL
ORDER BY kind, currency, key, value
