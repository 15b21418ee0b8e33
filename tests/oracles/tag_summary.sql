-- tag_summary from the charges themselves: one row per billing period, currency, TagKey and TagValue.
-- $keys: the reported keys; an empty list means every key that a charge of the billing period has.
-- The share is made of whole numbers (10^-18 of money), since / gives DOUBLE: good for parts below 10^13.
WITH billed AS (
    SELECT
        charges.*,
        coalesce(tag_sets.Tags, '{}')::JSON::MAP(VARCHAR, VARCHAR) AS pairs,
        CASE
            WHEN ChargeCategory IN ('Credit', 'Tax') THEN ChargeCategory
            WHEN ChargeClass = 'Correction' THEN 'Refund'
        END AS part
    FROM charges
    LEFT JOIN tag_sets ON tag_sets.x_TagSetId = charges.x_TagSetId
    WHERE x_Origin = 'billed'
),
asked AS (
    SELECT DISTINCT
        x_BillingPeriod,
        unnest(CASE WHEN len($keys::VARCHAR[]) = 0 THEN map_keys(pairs) ELSE $keys::VARCHAR[] END) AS TagKey
    FROM billed
),
valued AS (
    SELECT billed.*, TagKey, pairs[TagKey] AS TagValue
    FROM billed
    JOIN asked USING (x_BillingPeriod)
),
summed AS (
    SELECT
        x_BillingPeriod,
        BillingCurrency,
        TagKey,
        TagValue,
        coalesce(sum(BilledCost), 0) AS BilledCost,
        coalesce(sum(EffectiveCost), 0) AS EffectiveCost,
        coalesce(sum(ListCost), 0) AS ListCost,
        coalesce(sum(ContractedCost), 0) AS ContractedCost,
        coalesce(sum(BilledCost) FILTER (WHERE part = 'Credit'), 0) AS x_CreditCost,
        coalesce(sum(BilledCost) FILTER (WHERE part = 'Refund'), 0) AS x_RefundCost,
        coalesce(sum(BilledCost) FILTER (WHERE part = 'Tax'), 0) AS x_TaxCost,
        count(*) AS x_ChargeCount
    FROM valued
    GROUP BY x_BillingPeriod, BillingCurrency, TagKey, TagValue
),
bills AS (
    SELECT x_BillingPeriod, BillingCurrency, coalesce(sum(BilledCost), 0) AS bill
    FROM billed
    GROUP BY x_BillingPeriod, BillingCurrency
),
quotients AS (
    SELECT
        summed.*,
        sign(BilledCost) * sign(bill) AS sign,
        replace(abs(BilledCost)::VARCHAR, '.', '')::HUGEINT * 1000000 AS dividend,
        nullif(replace(abs(bill)::VARCHAR, '.', '')::HUGEINT, 0) AS divisor
    FROM summed
    JOIN bills
        ON bills.x_BillingPeriod = summed.x_BillingPeriod
        AND bills.BillingCurrency IS NOT DISTINCT FROM summed.BillingCurrency
),
shares AS (
    SELECT
        *,
        dividend // divisor AS floor,
        2 * (dividend % divisor) AS rest
    FROM quotients
)
SELECT
    * EXCLUDE (sign, dividend, divisor, floor, rest),
    CASE
        -- NULL past 20 digits, which a part of the residue of a sum can reach.
        WHEN floor < 100000000000000000000000000 THEN
            sign * (floor + (rest > divisor OR (rest = divisor AND floor % 2 = 1))::INTEGER)::DECIMAL(32, 0)
            * 0.000001::DECIMAL(6, 6)
    END AS x_BilledShare
FROM shares
