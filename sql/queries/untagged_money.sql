-- untagged_money: Whose charges of the latest billing period lack a tag that is reported on?
-- A row is one reported tag key, account and currency that has charges without the key; most money first within a key.
-- Charges of no resource (tax, support, credits) are untagged too: they have no owner either.
-- untagged_BilledCost, BilledCost (all of the account): in BillingCurrency, exact. untagged_percent: DOUBLE, 1 decimal.

WITH latest AS (
    SELECT max(x_BillingPeriod) AS period FROM tag_summary
),

costs AS (
    SELECT r.SubAccountId, r.SubAccountName, r.x_Provider, c.BillingCurrency, c.x_EffectiveTagSetId, c.BilledCost
    FROM resource_costs AS c
    INNER JOIN latest ON latest.period = c.x_BillingPeriod
    INNER JOIN resources AS r ON r.x_ResourceKey = c.x_ResourceKey
    WHERE c.x_Origin = 'billed'
),

keys AS (
    SELECT DISTINCT s.TagKey FROM tag_summary AS s INNER JOIN latest ON latest.period = s.x_BillingPeriod
)

SELECT
    k.TagKey,
    c.x_Provider,
    c.SubAccountId,
    max(c.SubAccountName) AS SubAccountName,
    c.BillingCurrency,
    sum(c.BilledCost) FILTER (WHERE t.TagKey IS NULL) AS untagged_BilledCost,
    sum(c.BilledCost) AS BilledCost,
    round(
        100 * CAST(sum(c.BilledCost) FILTER (WHERE t.TagKey IS NULL) AS DOUBLE)
        / nullif(CAST(sum(c.BilledCost) AS DOUBLE), 0), 1
    ) AS untagged_percent
FROM costs AS c
CROSS JOIN keys AS k
LEFT JOIN effective_tags AS t ON t.x_EffectiveTagSetId = c.x_EffectiveTagSetId AND t.TagKey = k.TagKey
GROUP BY k.TagKey, c.x_Provider, c.SubAccountId, c.BillingCurrency
HAVING count(*) FILTER (WHERE t.TagKey IS NULL) > 0
ORDER BY k.TagKey, untagged_BilledCost DESC, c.SubAccountId
