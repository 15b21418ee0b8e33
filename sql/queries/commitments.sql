-- commitments: How much of each reservation and savings plan was used, and how much was paid for nothing?
-- A row is one commitment, billing period and currency; the latest period first, then most waste.
-- used: EffectiveCost of the usage that it covers. unused: EffectiveCost of what nothing used, which Azure writes as a row
-- of its own (Unused) and AWS as part of the fee. Both in BillingCurrency, exact.
-- covered_ListCost: what the covered usage costs at list price. saved: covered_ListCost - used - unused.
-- used_percent: of used + unused, DOUBLE, 1 decimal.

WITH commitments AS (
    SELECT
        x_BillingPeriod,
        x_Provider,
        CommitmentDiscountId,
        max(CommitmentDiscountType) AS CommitmentDiscountType,
        BillingCurrency,
        coalesce(sum(EffectiveCost) FILTER (WHERE CommitmentDiscountStatus = 'Used'), 0) AS used,
        coalesce(sum(EffectiveCost) FILTER (WHERE CommitmentDiscountStatus IS DISTINCT FROM 'Used'), 0) AS unused,
        coalesce(sum(ListCost) FILTER (WHERE CommitmentDiscountStatus = 'Used'), 0) AS covered_ListCost
    FROM focus_data_table
    WHERE x_Origin = 'billed' AND CommitmentDiscountId IS NOT NULL AND ChargeCategory IN ('Usage', 'Purchase')
    GROUP BY x_BillingPeriod, x_Provider, CommitmentDiscountId, BillingCurrency
)

SELECT
    *,
    covered_ListCost - used - unused AS saved,
    round(100 * CAST(used AS DOUBLE) / nullif(CAST(used + unused AS DOUBLE), 0), 1) AS used_percent
FROM commitments
ORDER BY x_BillingPeriod DESC, unused DESC, x_Provider, CommitmentDiscountId
