-- oci_cost: the made-up charges as an Oracle cost report.
-- A row is one charge of one hour.

SELECT
    md5(concat('oci', ResourceId, ChargePeriodStart, ConsumedQuantity)) AS "lineItem/referenceNo",
    concat('ocid1.tenancy.oc1..', SubAccountId) AS "lineItem/tenantId",
    strftime(ChargePeriodStart, '%Y-%m-%dT%H:%MZ') AS "lineItem/intervalUsageStart",
    strftime(ChargePeriodEnd, '%Y-%m-%dT%H:%MZ') AS "lineItem/intervalUsageEnd",
    x_ServiceCode AS "product/service",
    concat('ocid1.compartment.oc1..', SubAccountId) AS "product/compartmentId",
    SubAccountName AS "product/compartmentName",
    RegionId AS "product/region",
    AvailabilityZone AS "product/availabilityDomain",
    ResourceId AS "product/resourceId",
    ConsumedQuantity AS "usage/billedQuantity",
    '' AS "usage/billedQuantityOverage",
    BillingAccountId AS "cost/subscriptionId",
    SkuId AS "cost/productSku",
    ChargeDescription AS "product/Description",
    ListUnitPrice AS "cost/unitPrice",
    '' AS "cost/unitPriceOverage",
    CASE WHEN ChargeCategory = 'Credit' THEN -ListCost ELSE ListCost END AS "cost/myCost",
    '' AS "cost/myCostOverage",
    BillingCurrency AS "cost/currencyCode",
    ConsumedUnit AS "cost/billingUnitReadable",
    concat(ConsumedUnit, ' used') AS "cost/skuUnitDescription",
    '' AS "cost/overageFlag",
    'false' AS "lineItem/isCorrection",
    '' AS "lineItem/backreferenceNo",
    Tags['team'] AS "tags/Cost.team",
    Tags['env'] AS "tags/Cost.env",
    Tags['aws:createdBy'] AS "tags/Oracle-Tags.CreatedBy"
FROM charges
