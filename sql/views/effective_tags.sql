-- effective_tags: the pairs of the tag sets that answers go by, one row per set and key.

CREATE OR REPLACE VIEW effective_tags AS
SELECT x_TagSetId AS x_EffectiveTagSetId, TagKey, TagValue FROM tags
UNION ALL
SELECT x_EffectiveTagSetId, TagKey, TagValue FROM changed_tags;

COMMENT ON VIEW effective_tags IS 'The pairs of each set of effective_tag_sets: one row per set and key';
