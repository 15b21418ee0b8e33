-- biggest_resources: Which resources cost most in the latest billing period?
-- A row is one resource as billed (id, name, account, region); the 25 dearest first. Charges of no resource (tax, fees,
-- credits) are left out.
-- BilledCost, EffectiveCost, ListCost: in BillingCurrency, exact. x_ChargeCount: rows of the bill.

SELECT
    x_BillingPeriod,
    x_Provider,
    ResourceId,
    ResourceName,
    x_ResourceType,
    SubAccountId,
    SubAccountName,
    RegionId,
    BillingCurrency,
    BilledCost,
    EffectiveCost,
    ListCost,
    x_ChargeCount
FROM resource_summary
WHERE
    ResourceId IS NOT NULL
    AND x_BillingPeriod = (SELECT max(x_BillingPeriod) FROM resource_summary)
ORDER BY BilledCost DESC, EffectiveCost DESC, ResourceId
LIMIT 25
