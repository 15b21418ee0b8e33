-- One row per running budget and billing currency that it has charges in: what it received, unconverted.
-- Grain: budget_id, BillingCurrency. Twin of pipeline.budgets.scopes.allocate; takes $period and $through (a day).
WITH billed AS (
    SELECT
        coalesce(BillingCurrency, 'XXX') AS BillingCurrency,
        x_Provider,
        x_ResourceType,
        x_ReportedTags,
        BilledCost
    FROM daily_costs
    WHERE x_BillingPeriod = $period AND x_Origin = 'billed' AND ChargeDay <= $through
),

running AS (
    SELECT *
    FROM budgets
    WHERE enabled AND ended_at IS NULL
),

pairs AS (
    SELECT
        sets.x_ReportedTags,
        unnest(json_keys(sets.x_ReportedTags)) AS TagKey,
        unnest(list_transform(json_extract(sets.x_ReportedTags, '$.*'), lambda value: value ->> '$')) AS TagValue
    FROM (SELECT DISTINCT x_ReportedTags FROM billed WHERE x_ReportedTags IS NOT NULL) AS sets
),

ranked AS (
    SELECT
        pairs.x_ReportedTags,
        running.budget_id,
        row_number() OVER (
            PARTITION BY pairs.x_ReportedTags ORDER BY running.priority DESC, running.scope_key
        ) AS place
    FROM pairs
    INNER JOIN running
        ON running.scope_type = 'tag'
        AND running.scope_key IN (pairs.TagKey || ':' || pairs.TagValue, pairs.TagKey || ':*')
),

received AS (
    SELECT running.budget_id, billed.BillingCurrency, billed.BilledCost
    FROM billed
    INNER JOIN running
        ON running.scope_type = 'global'
        OR (running.scope_type = 'provider' AND running.scope_key = billed.x_Provider)
        OR (running.scope_type = 'type' AND running.scope_key = billed.x_ResourceType)
    UNION ALL
    SELECT ranked.budget_id, billed.BillingCurrency, billed.BilledCost
    FROM billed
    INNER JOIN ranked ON billed.x_ReportedTags = ranked.x_ReportedTags AND ranked.place = 1
)

SELECT budget_id, BillingCurrency, sum(BilledCost) AS BilledCost
FROM received
GROUP BY budget_id, BillingCurrency
ORDER BY budget_id, BillingCurrency
