-- resource_costs: what each resource cost in the billing periods of the list $1, with its names and tags of answers:
-- what budgets allocate. A row is one of the rollup resource_costs.

SELECT c.x_BillingPeriod, c.BillingCurrency, c.x_Source, c.x_Origin, CAST(c.x_ResourceKey AS VARCHAR) AS x_ResourceKey,
    r.x_Provider, r.ResourceId, r.ResourceName, r.x_ResourceType, t.Tags, c.BilledCost
FROM resource_costs AS c
LEFT JOIN resources AS r ON r.x_ResourceKey = c.x_ResourceKey
LEFT JOIN effective_tag_sets AS t ON t.x_EffectiveTagSetId = c.x_EffectiveTagSetId
WHERE list_contains($1, c.x_BillingPeriod)
