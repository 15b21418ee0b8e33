-- split_costs: What did each ECS task's and EKS pod's namespace cost on shared instances in the latest billing period?
-- A row is one cluster, namespace and currency, as AWS's split cost allocation tells them; the dearest first. Tasks of ECS
-- go by cluster and service tag. Rows of Fargate carry their own cost and are not shown: no instance is split for them.
-- used, idle: x_SplitCost and x_SplitUnusedCost, in BillingCurrency, exact. cost: used + idle, what to charge back. They are
-- parts of the instances' own charges, which hold the money: never add them to a bill.
-- instances: how many were split. idle_percent: of cost, DOUBLE, 1 decimal.

SELECT
    x_BillingPeriod,
    coalesce(Tags->>'aws:eks:cluster-name', Tags->>'aws:eks_cluster_name', Tags->>'aws:ecs:clusterName') AS cluster,
    coalesce(Tags->>'aws:eks:namespace', Tags->>'aws:eks_namespace', Tags->>'aws:ecs:serviceName') AS namespace,
    BillingCurrency,
    sum(coalesce(x_SplitCost, 0) + coalesce(x_SplitUnusedCost, 0)) AS cost,
    sum(coalesce(x_SplitCost, 0)) AS used,
    sum(coalesce(x_SplitUnusedCost, 0)) AS idle,
    count(DISTINCT x_SplitParentResourceId) AS instances,
    round(
        100 * CAST(sum(x_SplitUnusedCost) AS DOUBLE)
        / nullif(CAST(sum(coalesce(x_SplitCost, 0) + coalesce(x_SplitUnusedCost, 0)) AS DOUBLE), 0), 1
    ) AS idle_percent
FROM focus_data_table
WHERE
    x_Origin = 'billed'
    AND x_SplitParentResourceId IS NOT NULL
    AND x_BillingPeriod = (SELECT max(x_BillingPeriod) FROM source_periods WHERE x_Origin = 'billed' AND charges > 0)
GROUP BY x_BillingPeriod, cluster, namespace, BillingCurrency
ORDER BY cost DESC, cluster, namespace
