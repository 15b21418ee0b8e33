-- tag_coverage: How much of each account's cost of the latest billing period carries each reported tag?
-- A row is one reported tag key, account and currency; the accounts with the most untagged cost first.
-- untagged_BilledCost, untagged_EffectiveCost: in BillingCurrency, exact. tagged_share: 0 to 1, exact, 6 decimals.

SELECT
    TagKey,
    owner AS SubAccountId,
    owner_name AS SubAccountName,
    BillingCurrency,
    untagged_BilledCost,
    untagged_EffectiveCost,
    tagged_share,
    untagged_charges
FROM tag_coverage
WHERE x_BillingPeriod = (SELECT max(x_BillingPeriod) FROM tag_coverage) AND dimension = 'SubAccountId'
ORDER BY TagKey, untagged_BilledCost DESC, owner
