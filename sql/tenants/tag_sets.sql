-- tag_sets: the tag sets of a tenant's charges, as answers have them.

SELECT x_EffectiveTagSetId AS x_TagSetId, Tags
FROM effective_tag_sets
WHERE x_EffectiveTagSetId IN (SELECT x_TagSetId FROM tenant_file.charges)
