-- resources: what each resource cost in the billing periods from $first through $last.
-- A row is one resource, by currency, account and region. ResourceId NULL: charges of no resource.

SELECT
    BillingCurrency, ResourceId, ResourceName, coalesce(x_ResourceType, ResourceType) AS x_ResourceType, SubAccountId,
    SubAccountName, RegionId, x_Provider,
    sum(BilledCost) AS BilledCost, sum(EffectiveCost) AS EffectiveCost, sum(ListCost) AS ListCost,
    sum(ContractedCost) AS ContractedCost, sum(x_CreditCost) AS x_CreditCost, sum(x_RefundCost) AS x_RefundCost,
    sum(x_TaxCost) AS x_TaxCost, CAST(sum(x_ChargeCount) AS BIGINT) AS x_ChargeCount
FROM resource_summary
WHERE x_BillingPeriod BETWEEN $first AND $last
GROUP BY ALL
