-- charges: a tenant's charges of one source and billing period, with the tags that answers go by instead of the rules.
-- A row is one charge with $tenant in x_TenantId. tagged_charges and charge_tags: see pipeline/store/tagging.py.

SELECT c.* EXCLUDE (x_VirtualTags, x_TenantId) REPLACE (t.x_EffectiveTagSetId AS x_TagSetId)
FROM tagged_charges AS c
LEFT JOIN charge_tags AS t
    ON t.x_TagSetId IS NOT DISTINCT FROM c.x_TagSetId AND t.x_VirtualTags IS NOT DISTINCT FROM c.x_VirtualTags
WHERE c.x_TenantId = $tenant
