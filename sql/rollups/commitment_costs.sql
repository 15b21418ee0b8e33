-- commitment_costs: one row per day of ChargePeriodStart, commitment and every other dimension below, of one source and
-- billing period: all charges with a CommitmentDiscountId.
-- A NULL cost counts as 0; CommitmentDiscountQuantity is NULL where no charge states one.
-- x_DerivedCount: charges whose EffectiveCost is what was billed, since no amortized view is loaded beside the actual one.
-- x_NoListCount, x_NoContractedCount: charges that are worth something, and have no such cost; what the mapping put in its
-- place (price of x_SourceChanges) is none.
-- tagged_charges: see pipeline/store/tagging.py.

WITH charged AS (
    SELECT
        *, CAST(ChargePeriodStart AS DATE) AS ChargeDay, concat(' ', x_SourceChanges, ' ') AS changes,
        coalesce(EffectiveCost, 0) <> 0 AS has_worth, contains(changes, ' price ') AS is_unpriced
    FROM tagged_charges
    WHERE x_Source = $source AND x_BillingPeriod = $period AND CommitmentDiscountId IS NOT NULL
)

SELECT
    x_BillingPeriod, ChargeDay, BillingCurrency, x_Source, x_Origin, x_TenantId,
    x_Provider, CommitmentDiscountId, CommitmentDiscountName, CommitmentDiscountType, CommitmentDiscountCategory,
    CommitmentDiscountStatus, CommitmentDiscountUnit, ChargeCategory, ChargeClass,
    coalesce(sum(BilledCost), 0) AS BilledCost,
    coalesce(sum(EffectiveCost), 0) AS EffectiveCost,
    coalesce(sum(ListCost), 0) AS ListCost,
    coalesce(sum(ContractedCost), 0) AS ContractedCost,
    sum(CommitmentDiscountQuantity) AS CommitmentDiscountQuantity,
    count(*) AS x_ChargeCount,
    count(*) FILTER (WHERE contains(changes, ' derived_effective ')) AS x_DerivedCount,
    count(*) FILTER (
        WHERE has_worth AND (coalesce(ListCost, 0) = 0 OR (is_unpriced AND ListCost = ContractedCost))
    ) AS x_NoListCount,
    count(*) FILTER (
        WHERE has_worth AND (coalesce(ContractedCost, 0) = 0 OR (is_unpriced AND ContractedCost = EffectiveCost))
    ) AS x_NoContractedCount
FROM charged
GROUP BY ALL
