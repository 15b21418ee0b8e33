-- charges_have_dimensions: returns charges of a source and billing period whose resource or tag set is missing.
-- A good load returns no row.

SELECT c.x_ResourceKey, c.x_TagSetId, count(*) AS charges
FROM charges AS c
LEFT JOIN resources AS r ON r.x_ResourceKey = c.x_ResourceKey
LEFT JOIN tag_sets AS t ON t.x_TagSetId = c.x_TagSetId
WHERE
    c.x_Source = $source
    AND c.x_BillingPeriod = $period
    AND (r.x_ResourceKey IS NULL OR (c.x_TagSetId IS NOT NULL AND t.x_TagSetId IS NULL))
GROUP BY c.x_ResourceKey, c.x_TagSetId
