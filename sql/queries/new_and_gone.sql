-- new_and_gone: Which resources appeared in the latest billing period, and which did not come back?
-- A row is one resource id, account and currency that stands in only one of the latest two billing periods; dearest
-- first. A month that is not over yet shows as gone what it has not billed so far.
-- what: new or gone. BilledCost: of the period that has the resource, in BillingCurrency, exact.

WITH periods AS (
    SELECT max(x_BillingPeriod) AS latest, strftime(max(x_BillingPeriod || '-01')::DATE - 1, '%Y-%m') AS previous
    FROM resource_summary
),

sides AS (
    SELECT
        s.x_Provider,
        s.SubAccountId,
        s.ResourceId,
        max(s.ResourceName) AS ResourceName,
        max(s.x_ResourceType) AS x_ResourceType,
        s.BillingCurrency,
        bool_or(s.x_BillingPeriod = p.latest) AS in_latest,
        bool_or(s.x_BillingPeriod = p.previous) AS in_previous,
        sum(s.BilledCost) AS BilledCost
    FROM resource_summary AS s
    CROSS JOIN periods AS p
    WHERE s.ResourceId IS NOT NULL AND s.x_BillingPeriod IN (p.latest, p.previous)
    GROUP BY s.x_Provider, s.SubAccountId, s.ResourceId, s.BillingCurrency
)

SELECT
    CASE WHEN in_latest THEN 'new' ELSE 'gone' END AS what,
    * EXCLUDE (in_latest, in_previous)
FROM sides
WHERE in_latest <> in_previous
ORDER BY BilledCost DESC, ResourceId
