-- resource_summary from the charges themselves: one row per billing period, currency and resource as it was billed.
WITH billed AS (
    SELECT
        charges.*,
        resources.* EXCLUDE (x_ResourceKey, x_Provider),
        resources.x_Provider AS resource_provider,
        CASE
            WHEN ChargeCategory IN ('Credit', 'Tax') THEN ChargeCategory
            WHEN ChargeClass = 'Correction' THEN 'Refund'
        END AS part
    FROM charges
    LEFT JOIN resources ON resources.x_ResourceKey = charges.x_ResourceKey
    WHERE x_Origin = 'billed'
)
SELECT
    x_BillingPeriod,
    BillingCurrency,
    resource_provider AS x_Provider,
    SubAccountId,
    SubAccountName,
    RegionId,
    ResourceId,
    ResourceName,
    ResourceType,
    x_ResourceType,
    coalesce(sum(BilledCost), 0) AS BilledCost,
    coalesce(sum(EffectiveCost), 0) AS EffectiveCost,
    coalesce(sum(ListCost), 0) AS ListCost,
    coalesce(sum(ContractedCost), 0) AS ContractedCost,
    coalesce(sum(BilledCost) FILTER (WHERE part = 'Credit'), 0) AS x_CreditCost,
    coalesce(sum(BilledCost) FILTER (WHERE part = 'Refund'), 0) AS x_RefundCost,
    coalesce(sum(BilledCost) FILTER (WHERE part = 'Tax'), 0) AS x_TaxCost,
    count(*) AS x_ChargeCount
FROM billed
GROUP BY
    x_BillingPeriod, BillingCurrency, resource_provider, SubAccountId, SubAccountName, RegionId, ResourceId,
    ResourceName, ResourceType, x_ResourceType
