-- tags: the pairs of the tag sets of answers in a billing period ($1), of the keys in the list $2, or of all when $3.
-- A row is one tag set and key.

SELECT x_EffectiveTagSetId AS x_TagSetId, TagKey, TagValue
FROM effective_tags
WHERE
    x_EffectiveTagSetId IN (SELECT x_EffectiveTagSetId FROM resource_costs WHERE x_BillingPeriod = $1)
    AND (list_contains($2, TagKey) OR $3)
