-- tagged_costs: the rollup resource_costs of a billing period ($1) with the tag sets that answers go by as x_TagSetId.
-- A row is one of the rollup.

SELECT * EXCLUDE (x_TagSetId, x_EffectiveTagSetId), x_EffectiveTagSetId AS x_TagSetId
FROM resource_costs
WHERE x_BillingPeriod = $1
