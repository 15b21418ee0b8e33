-- tags: the pairs of the tag sets in a billing period ($1), of the keys in the list $2, or of all keys when $3 is true.
-- A row is one tag set and key.

SELECT *
FROM tags
WHERE x_TagSetId IN (SELECT x_TagSetId FROM resource_costs WHERE x_BillingPeriod = $1) AND (list_contains($2, TagKey) OR $3)
