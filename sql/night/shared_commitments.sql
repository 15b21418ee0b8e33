-- shared_commitments: a tenant's ($1) commitments that a charge of somebody else has, too: a row is one of them in a billing
-- period. What the tenant used of them is in its file, but neither their fees nor their waste.

SELECT x_BillingPeriod, x_Provider, CommitmentDiscountId
FROM commitment_costs
GROUP BY ALL
HAVING bool_or(x_TenantId IS NOT DISTINCT FROM $1) AND bool_or(x_TenantId IS DISTINCT FROM $1)
