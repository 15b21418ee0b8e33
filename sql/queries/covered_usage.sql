-- covered_usage: How much of each service's usage did commitments cover in the latest billing period?
-- A row is one provider, service category, service and currency of which something is covered; most left uncovered first.
-- usage_ListCost: usage at list price, without spot (PricingCategory Dynamic), corrections and what commitments left unused.
-- covered_ListCost: what of it a reservation or savings plan covers. uncovered_ListCost: the rest. All exact.
-- covered_percent: of usage_ListCost, DOUBLE, 1 decimal. It is no share of what could be covered: a bill does not tell, and
-- traffic, for one, is part of a service's usage.

WITH services AS (
    SELECT
        x_BillingPeriod, x_Provider, ServiceCategory, ServiceName, BillingCurrency,
        sum(ListCost) AS usage_ListCost,
        coalesce(sum(ListCost) FILTER (WHERE CommitmentDiscountStatus = 'Used'), 0) AS covered_ListCost
    FROM daily_costs
    WHERE
        x_Origin = 'billed' AND ChargeCategory = 'Usage' AND ChargeClass IS NULL
        AND coalesce(PricingCategory, '') <> 'Dynamic' AND coalesce(CommitmentDiscountStatus, 'Used') = 'Used'
        AND x_BillingPeriod = (SELECT max(x_BillingPeriod) FROM source_periods WHERE x_Origin = 'billed' AND charges > 0)
    GROUP BY ALL
)

SELECT
    *,
    usage_ListCost - covered_ListCost AS uncovered_ListCost,
    round(100 * CAST(covered_ListCost AS DOUBLE) / nullif(CAST(usage_ListCost AS DOUBLE), 0), 1) AS covered_percent
FROM services
WHERE covered_ListCost <> 0
ORDER BY BillingCurrency, uncovered_ListCost DESC, x_Provider, ServiceCategory, ServiceName
