-- commitment_summary of every billing period from the charges themselves: one row per period, currency, origin, provider,
-- commitment. Percentages are made of whole numbers (10^-18 of money), since / gives DOUBLE: good for sums below 10^11.
WITH parts AS (
    SELECT
        *,
        CASE
            WHEN ChargeClass = 'Correction' THEN NULL
            WHEN CommitmentDiscountStatus = 'Used' AND ChargeCategory = 'Usage' THEN 'Used'
            WHEN CommitmentDiscountStatus = 'Unused' AND ChargeCategory IN ('Usage', 'Purchase') THEN 'Unused'
        END AS part,
        (x_BillingPeriod || '-01')::DATE AS first_day,
        x_SourceChanges LIKE '%price%' AS is_unpriced,
        ListCost <> 0 AND NOT coalesce(is_unpriced AND ListCost = ContractedCost, false) AS is_listed,
        ContractedCost <> 0 AND NOT coalesce(is_unpriced AND ContractedCost = EffectiveCost, false) AS is_contracted
    FROM charges
    WHERE CommitmentDiscountId IS NOT NULL
),
summed AS (
    SELECT
        x_BillingPeriod, BillingCurrency, x_Origin, x_Provider, CommitmentDiscountId,
        max(CommitmentDiscountName) AS CommitmentDiscountName,
        max(CommitmentDiscountType) AS CommitmentDiscountType,
        max(CommitmentDiscountCategory) AS CommitmentDiscountCategory,
        coalesce(sum(BilledCost) FILTER (WHERE ChargeCategory = 'Purchase'), 0) AS purchase_BilledCost,
        coalesce(sum(EffectiveCost) FILTER (WHERE part = 'Used'), 0) AS used_EffectiveCost,
        coalesce(sum(EffectiveCost) FILTER (WHERE part = 'Unused'), 0) AS unused_EffectiveCost,
        coalesce(sum(EffectiveCost) FILTER (WHERE part IS NULL), 0) AS other_EffectiveCost,
        coalesce(sum(ListCost) FILTER (WHERE part = 'Used'), 0) AS covered_ListCost,
        coalesce(sum(ContractedCost) FILTER (WHERE part = 'Used'), 0) AS covered_ContractedCost,
        list(DISTINCT coalesce(CommitmentDiscountUnit, '')) FILTER (WHERE CommitmentDiscountQuantity IS NOT NULL) AS units,
        sum(CommitmentDiscountQuantity) FILTER (WHERE part = 'Used') AS used_quantity,
        sum(CommitmentDiscountQuantity) FILTER (WHERE part = 'Unused' AND ChargeCategory = 'Usage') AS unused_quantity,
        count(DISTINCT least(last_day(first_day), greatest(first_day, ChargePeriodStart::DATE)))
            FILTER (WHERE part IS NOT NULL)::INTEGER AS days_covered,
        count(*) AS x_ChargeCount,
        count(part) > 0 AND count(*) FILTER (WHERE x_SourceChanges LIKE '%derived_effective%') = 0 AS is_spread,
        count(*) FILTER (WHERE part = 'Used' AND EffectiveCost <> 0 AND is_listed IS DISTINCT FROM true) = 0 AS has_list,
        count(*) FILTER (WHERE part = 'Used' AND EffectiveCost <> 0 AND is_contracted IS DISTINCT FROM true) = 0
            AS has_contracted
    FROM parts
    GROUP BY ALL
),
whole AS (
    SELECT
        *,
        replace(used_EffectiveCost::VARCHAR, '.', '')::HUGEINT AS used,
        nullif(replace((used_EffectiveCost + unused_EffectiveCost)::VARCHAR, '.', '')::HUGEINT, 0) AS paid,
        used * 100000000 // paid AS floor, 2 * (used * 100000000 % paid) AS rest
    FROM summed
)
SELECT
    * EXCLUDE (units, is_spread, has_list, has_contracted, used, paid, floor, rest, used_quantity, unused_quantity),
    CASE WHEN is_spread AND used_EffectiveCost >= 0 AND unused_EffectiveCost >= 0 THEN
        (floor + (rest > paid OR (rest = paid AND floor % 2 = 1))::INTEGER)::DECIMAL(32, 0) * 0.000001::DECIMAL(6, 6)
    END AS utilisation_percent,
    CASE WHEN is_spread AND has_list THEN covered_ListCost - used_EffectiveCost - unused_EffectiveCost END AS list_savings,
    CASE WHEN is_spread AND has_contracted THEN covered_ContractedCost - used_EffectiveCost - unused_EffectiveCost END
        AS contracted_savings,
    CASE WHEN len(units) = 1 THEN nullif(units[1], '') END AS CommitmentDiscountUnit,
    CASE WHEN len(units) = 1 THEN used_quantity END AS used_quantity,
    CASE WHEN len(units) = 1 THEN unused_quantity END AS unused_quantity
FROM whole
