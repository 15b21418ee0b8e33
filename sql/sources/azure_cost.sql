-- azure_cost: Azure cost details, EA, MCA and pay-as-you-go, to charges.
-- A row is one line of the export. x_View says what its cost is: of an actual or amortized view alone (actual, amortized),
-- of one that serves as both (both), or of two that are joined: usage of the amortized one (joined), what only the
-- actual one has (purchase), and what the amortized one covers (covered: folded).
-- x_SourceChanges: unit, region, resource (id in lower case), period (taken from the date), period_end, category (service
-- not known), type (ChargeType not known), price (no such price), number, derived_billed, derived_effective.

SELECT
    l.x_BillingPeriod, l.x_TagText, l.x_Kept, 'azure' AS x_Provider, CAST(NULL AS VARCHAR) AS x_LineItemType,
    CASE WHEN l.path IS NULL THEN 'azure:' || l.type_key END AS x_ResourceType,
    nullif(concat_ws(
        ' ',
        CASE l.x_View WHEN 'actual' THEN 'derived_effective' WHEN 'amortized' THEN 'derived_billed' END,
        CASE WHEN l.PricingUnit <> l.UnitOfMeasure THEN 'unit' END,
        CASE WHEN coalesce(regions.RegionId, l.place) <> coalesce(l.ResourceLocation, l.Location) THEN 'region' END,
        CASE WHEN l.path IS NOT NULL AND lower(l.ResourceId) <> l.ResourceId THEN 'resource' END,
        CASE WHEN coalesce(both_.ServiceCategory, of_type.ServiceCategory, of_service.ServiceCategory) IS NULL
            THEN 'category' END,
        CASE WHEN coalesce(l.listed, l.listed_price) IS NULL OR l.contracted IS NULL THEN 'price' END,
        CASE WHEN l.x_Noted THEN 'number' END,
        CASE WHEN types.ChargeCategory IS NULL THEN 'type' END,
        CASE WHEN l.BillingPeriodStartDate IS NULL THEN 'period'
            WHEN l.BillingPeriodEndDate IS NOT NULL THEN 'period_end' END
    ), '') AS x_SourceChanges,
    azure_billed(CASE l.x_View WHEN 'joined' THEN 'amortized' ELSE l.x_View END, l.CostInBillingCurrency, l.x_Committed,
        l.ChargeType) AS BilledCost,
    azure_effective(l.x_View, l.CostInBillingCurrency) AS EffectiveCost,
    coalesce(l.listed, l.listed_price, l.contracted, l.CostInBillingCurrency) AS ListCost,
    coalesce(l.contracted, l.CostInBillingCurrency) AS ContractedCost,
    l.unit_price AS ContractedUnitPrice, l.list_price AS ListUnitPrice,
    CASE WHEN l.is_mca THEN coalesce(l.BillingProfileId, l.BillingAccountId) ELSE l.BillingAccountId END AS BillingAccountId,
    CASE WHEN l.is_mca THEN coalesce(l.BillingProfileName, l.BillingAccountName) ELSE l.BillingAccountName
        END AS BillingAccountName,
    CASE WHEN l.is_mca THEN 'Billing Profile' WHEN l.BillingAccountId IS NOT NULL THEN 'Billing Account' END
        AS BillingAccountType,
    l.BillingCurrency, coalesce(l.PricingCurrency, l.BillingCurrency) AS PricingCurrency,
    coalesce(l.BillingPeriodStartDate, date_trunc('month', l."Date")) AS BillingPeriodStart,
    CASE WHEN l.BillingPeriodStartDate IS NULL OR l.BillingPeriodEndDate IS NULL
            THEN date_trunc('month', coalesce(l.BillingPeriodStartDate, l."Date")) + INTERVAL 1 MONTH
        ELSE l.BillingPeriodEndDate + INTERVAL 1 DAY END AS BillingPeriodEnd,
    l."Date" AS ChargePeriodStart, l."Date" + INTERVAL 1 DAY AS ChargePeriodEnd,
    coalesce(types.ChargeCategory, 'Adjustment') AS ChargeCategory, types.ChargeClass,
    coalesce(l.ProductName, nullif(concat_ws(' - ', l.MeterCategory, l.MeterSubCategory, l.MeterName), ''), l.PlanName)
        AS ChargeDescription,
    CASE replace(replace(lower(l.Frequency), ' ', ''), '-', '')
        WHEN 'onetime' THEN 'One-Time' WHEN 'recurring' THEN 'Recurring'
        WHEN 'usagebased' THEN 'Usage-Based' ELSE CASE WHEN types.ChargeCategory = 'Usage' THEN 'Usage-Based' END END
        AS ChargeFrequency,
    l.commitment AS CommitmentDiscountId, coalesce(l.BenefitName, l.ReservationName) AS CommitmentDiscountName,
    CASE l.is_plan WHEN true THEN 'Spend' WHEN false THEN 'Usage' END AS CommitmentDiscountCategory,
    CASE l.is_plan WHEN true THEN 'Savings Plan' WHEN false THEN 'Reservation' END AS CommitmentDiscountType,
    CASE WHEN l.kind LIKE 'unused%' THEN 'Unused' WHEN l.x_Committed AND l.kind = 'usage' THEN 'Used' END
        AS CommitmentDiscountStatus,
    CASE WHEN l.kind = 'usage' THEN l.Quantity END AS ConsumedQuantity,
    CASE WHEN l.kind = 'usage' THEN coalesce(l.PricingUnit, l.UnitOfMeasure) END AS ConsumedUnit,
    l.priced_quantity AS PricingQuantity, coalesce(l.PricingUnit, l.UnitOfMeasure) AS PricingUnit,
    CASE replace(lower(l.PricingModel), ' ', '') WHEN 'ondemand' THEN 'Standard' WHEN 'spot' THEN 'Dynamic'
        WHEN 'reservation' THEN 'Committed' WHEN 'savingsplan' THEN 'Committed' END AS PricingCategory,
    l.InvoiceId, coalesce(l.PartnerName, 'Microsoft') AS InvoiceIssuerName,
    'Microsoft' AS ProviderName, 'Microsoft' AS ServiceProviderName, 'Microsoft' AS HostProviderName,
    CASE WHEN lower(l.PublisherType) = 'marketplace' THEN l.PublisherName ELSE coalesce(l.PublisherName, 'Microsoft') END
        AS PublisherName,
    coalesce(regions.RegionId, l.place) AS RegionId,
    coalesce(regions.RegionName, l.ResourceLocation, l.Location) AS RegionName, l.AvailabilityZone,
    CASE WHEN l.path IS NULL THEN l.ResourceId ELSE lower(l.ResourceId) END AS ResourceId,
    coalesce(l.ResourceName, CASE WHEN l.path IS NOT NULL THEN regexp_extract(l.ResourceId, '[^/]+$') END) AS ResourceName,
    coalesce(names.ResourceType, l.ResourceType, l.type_key) AS ResourceType,
    coalesce(both_.ServiceCategory, of_type.ServiceCategory, of_service.ServiceCategory, 'Other') AS ServiceCategory,
    coalesce(both_.ServiceName, of_type.ServiceName, of_service.ServiceName, l.MeterCategory, l.ConsumedService,
        l.PublisherName, 'Azure') AS ServiceName,
    coalesce(both_.ServiceSubcategory, of_type.ServiceSubcategory, of_service.ServiceSubcategory) AS ServiceSubcategory,
    CASE WHEN l.is_mca THEN l.ProductId END AS SkuId, l.MeterName AS SkuMeter,
    l.SubscriptionId AS SubAccountId, l.SubscriptionName AS SubAccountName,
    CASE WHEN l.SubscriptionId IS NOT NULL THEN 'Subscription' END AS SubAccountType
FROM azure_cost_lines AS l
LEFT JOIN azure_charge_types AS types ON types.ChargeType = l.kind
LEFT JOIN azure_regions AS regions ON regions.ResourceLocation = l.place
LEFT JOIN azure_resource_types AS names ON names.ResourceTypeKey = l.type_key
LEFT JOIN azure_services AS both_ ON both_.ConsumedService = l.service AND both_.ResourceTypeKey = l.type_key
LEFT JOIN azure_services AS of_type ON of_type.ConsumedService IS NULL AND of_type.ResourceTypeKey = l.type_key
LEFT JOIN azure_services AS of_service ON of_service.ResourceTypeKey IS NULL AND of_service.ConsumedService = l.service
