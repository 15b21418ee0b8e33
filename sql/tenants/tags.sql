-- tags: the pairs of the tag sets of a tenant's charges, one row per set and key.

SELECT x_EffectiveTagSetId AS x_TagSetId, TagKey, TagValue
FROM effective_tags
WHERE x_EffectiveTagSetId IN (SELECT x_TagSetId FROM tenant_file.charges)
