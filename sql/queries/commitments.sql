-- commitments: How much of each reservation and savings plan was used, and how much was paid for nothing?
-- A row is one commitment, billing period and currency; the latest period first, then most waste.
-- purchased: BilledCost of its purchases. used: EffectiveCost of the usage that it covers. unused: EffectiveCost of what
-- nothing used. All in BillingCurrency, exact.
-- covered_ListCost: what the covered usage costs at list price. saved: covered_ListCost - used - unused.
-- used_percent: of used + unused, 6 decimals. NULL where the bill does not say: see docs/summaries.md, Commitments.

SELECT
    x_BillingPeriod, x_Provider, CommitmentDiscountId, CommitmentDiscountName, CommitmentDiscountType, BillingCurrency,
    purchase_BilledCost AS purchased,
    used_EffectiveCost AS used,
    unused_EffectiveCost AS unused,
    covered_ListCost,
    list_savings AS saved,
    utilisation_percent AS used_percent
FROM commitment_summary
WHERE x_Origin = 'billed'
ORDER BY x_BillingPeriod DESC, unused DESC, x_Provider, CommitmentDiscountId, BillingCurrency
