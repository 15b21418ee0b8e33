-- tag_coverage from the charges themselves: one row per billing period, currency, TagKey and account.
-- $keys: the reported keys; an empty list means every key that a charge of the billing period has.
-- The share is made of whole numbers (10^-18 of money), since / gives DOUBLE: good for parts below 10^13.
WITH billed AS (
    SELECT
        charges.*,
        resources.SubAccountId AS owner,
        resources.SubAccountName AS owner_name,
        coalesce(tag_sets.Tags, '{}')::JSON::MAP(VARCHAR, VARCHAR) AS pairs
    FROM charges
    LEFT JOIN tag_sets ON tag_sets.x_TagSetId = charges.x_TagSetId
    LEFT JOIN resources ON resources.x_ResourceKey = charges.x_ResourceKey
    WHERE x_Origin = 'billed'
),
asked AS (
    SELECT DISTINCT
        x_BillingPeriod,
        unnest(CASE WHEN len($keys::VARCHAR[]) = 0 THEN map_keys(pairs) ELSE $keys::VARCHAR[] END) AS TagKey
    FROM billed
),
summed AS (
    SELECT
        x_BillingPeriod,
        BillingCurrency,
        TagKey,
        'SubAccountId' AS dimension,
        owner,
        min(owner_name) AS owner_name,
        coalesce(sum(BilledCost) FILTER (WHERE pairs[TagKey] IS NOT NULL), 0) AS tagged_BilledCost,
        coalesce(sum(BilledCost) FILTER (WHERE pairs[TagKey] IS NULL), 0) AS untagged_BilledCost,
        coalesce(sum(EffectiveCost) FILTER (WHERE pairs[TagKey] IS NOT NULL), 0) AS tagged_EffectiveCost,
        coalesce(sum(EffectiveCost) FILTER (WHERE pairs[TagKey] IS NULL), 0) AS untagged_EffectiveCost,
        count(*) FILTER (WHERE pairs[TagKey] IS NULL) AS untagged_charges,
        count(*) AS x_ChargeCount
    FROM billed
    JOIN asked USING (x_BillingPeriod)
    GROUP BY x_BillingPeriod, BillingCurrency, TagKey, owner
),
quotients AS (
    SELECT
        summed.*,
        tagged_BilledCost + untagged_BilledCost AS whole,
        sign(tagged_BilledCost) * sign(tagged_BilledCost + untagged_BilledCost) AS sign,
        replace(abs(tagged_BilledCost)::VARCHAR, '.', '')::HUGEINT * 1000000 AS dividend,
        nullif(replace(abs(tagged_BilledCost + untagged_BilledCost)::VARCHAR, '.', '')::HUGEINT, 0) AS divisor
    FROM summed
),
shares AS (
    SELECT
        *,
        dividend // divisor AS floor,
        2 * (dividend % divisor) AS rest
    FROM quotients
)
SELECT
    * EXCLUDE (whole, sign, dividend, divisor, floor, rest),
    CASE
        -- NULL past 20 digits, which a part of the residue of a sum can reach.
        WHEN floor < 100000000000000000000000000 THEN
            sign * (floor + (rest > divisor OR (rest = divisor AND floor % 2 = 1))::INTEGER)::DECIMAL(32, 0)
            * 0.000001::DECIMAL(6, 6)
    END AS tagged_share
FROM shares
