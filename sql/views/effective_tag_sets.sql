-- effective_tag_sets: the tag sets that answers go by, aliases brought to their key and virtual tags laid over.

CREATE OR REPLACE VIEW effective_tag_sets AS
SELECT x_TagSetId AS x_EffectiveTagSetId, Tags FROM tag_sets
UNION ALL
SELECT x_EffectiveTagSetId, Tags FROM changed_tag_sets;

COMMENT ON VIEW effective_tag_sets IS 'Tag sets as answers have them, aliases and virtual tags applied: join resource_costs.x_EffectiveTagSetId';
