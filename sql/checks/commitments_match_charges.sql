-- commitments_match_charges: returns the currencies of a source and billing period in which charges of commitments and
-- their rollup differ. A good load returns no row.

WITH sums AS (
    SELECT
        'charges' AS relation, BillingCurrency,
        coalesce(sum(BilledCost), 0) AS BilledCost, coalesce(sum(EffectiveCost), 0) AS EffectiveCost,
        coalesce(sum(ListCost), 0) AS ListCost, coalesce(sum(ContractedCost), 0) AS ContractedCost,
        sum(CommitmentDiscountQuantity) AS CommitmentDiscountQuantity, count(*) AS x_ChargeCount
    FROM charges
    WHERE x_Source = $source AND x_BillingPeriod = $period AND CommitmentDiscountId IS NOT NULL
    GROUP BY BillingCurrency
    UNION ALL
    SELECT
        'commitment_costs', BillingCurrency, sum(BilledCost), sum(EffectiveCost), sum(ListCost), sum(ContractedCost),
        sum(CommitmentDiscountQuantity), CAST(sum(x_ChargeCount) AS BIGINT)
    FROM commitment_costs WHERE x_Source = $source AND x_BillingPeriod = $period GROUP BY BillingCurrency
)

SELECT
    BillingCurrency, BilledCost, EffectiveCost, ListCost, ContractedCost, CommitmentDiscountQuantity, x_ChargeCount,
    list(relation) AS relations
FROM sums
GROUP BY
    BillingCurrency, BilledCost, EffectiveCost, ListCost, ContractedCost, CommitmentDiscountQuantity, x_ChargeCount
HAVING count(*) <> 2
