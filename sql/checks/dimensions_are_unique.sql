-- dimensions_are_unique: returns keys that stand more than once in resources or tag_sets, which would double charges.
-- A good load returns no row.

SELECT 'resources' AS dimension, x_ResourceKey AS id, count(*) AS copies
FROM resources
GROUP BY x_ResourceKey
HAVING count(*) > 1
UNION ALL
SELECT 'tag_sets', x_TagSetId, count(*)
FROM tag_sets
GROUP BY x_TagSetId
HAVING count(*) > 1
