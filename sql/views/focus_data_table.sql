-- focus_data_table: what analysts query. One row per charge, the FOCUS columns of 1.0 to 1.4 under their own names
-- (NULL where no provider gives one), then this project's x_ columns. SQL written for FOCUS data runs on it as it is.

CREATE OR REPLACE VIEW focus_data_table AS
SELECT
    TRY_CAST(c.AllocatedMethodDetails AS JSON) AS AllocatedMethodDetails, c.AllocatedMethodId,
    c.AllocatedResourceId, c.AllocatedResourceName, TRY_CAST(c.AllocatedTags AS JSON) AS AllocatedTags,
    c.AvailabilityZone, c.BilledCost, c.BillingAccountId,
    coalesce(c.BillingAccountName, billing.name) AS BillingAccountName, c.BillingAccountType,
    c.BillingCurrency, c.BillingPeriodEnd, c.BillingPeriodStart, c.CapacityReservationId,
    c.CapacityReservationStatus, c.ChargeCategory, c.ChargeClass, c.ChargeDescription, c.ChargeFrequency,
    c.ChargePeriodEnd, c.ChargePeriodStart, c.CommitmentDiscountCategory, c.CommitmentDiscountId,
    c.CommitmentDiscountName, c.CommitmentDiscountQuantity, c.CommitmentDiscountStatus, c.CommitmentDiscountType,
    c.CommitmentDiscountUnit,
    TRY_CAST(c.CommitmentProgramEligibilityDetails AS JSON) AS CommitmentProgramEligibilityDetails,
    c.ConsumedQuantity, c.ConsumedUnit, TRY_CAST(c.ContractApplied AS JSON) AS ContractApplied, c.ContractedCost,
    c.ContractedUnitPrice, c.EffectiveCost, c.HostProviderName, c.InvoiceDetailId, c.InvoiceId, c.InvoiceIssuerName,
    c.ListCost, c.ListUnitPrice, c.PricingCategory, c.PricingCurrency, c.PricingCurrencyContractedUnitPrice,
    c.PricingCurrencyEffectiveCost, c.PricingCurrencyListUnitPrice, c.PricingQuantity, c.PricingUnit,
    c.ProviderName, c.PublisherName, r.RegionId, r.RegionName, r.ResourceId, r.ResourceName, r.ResourceType,
    c.ServiceCategory, c.ServiceName, c.ServiceProviderName, c.ServiceSubcategory, c.SkuId, c.SkuMeter,
    TRY_CAST(c.SkuPriceDetails AS JSON) AS SkuPriceDetails, c.SkuPriceId, r.SubAccountId,
    coalesce(r.SubAccountName, own.name) AS SubAccountName,
    c.SubAccountType, CAST(t.Tags AS JSON) AS Tags,
    coalesce(own.owner, billing.owner) AS x_AccountOwner, c.x_Batch, c.x_BillingPeriod, c.x_CostCategory, c.x_LineItemType,
    c.x_LoadId, c.x_Origin, c.x_Provider, c.x_RecordId, c.x_ResourceKey, r.x_ResourceType, c.x_Source,
    c.x_SourceChanges, c.x_SplitCost, c.x_SplitListCost, c.x_SplitParentResourceId, c.x_SplitUnusedCost,
    c.x_SplitUnusedListCost, c.x_SplitUsage, c.x_SplitUsageRatio, c.x_TagSetId
    -- columns by rules
    -- kept columns
FROM charges AS c
LEFT JOIN resources AS r ON r.x_ResourceKey = c.x_ResourceKey
LEFT JOIN tag_sets AS t ON t.x_TagSetId = c.x_TagSetId
LEFT JOIN accounts AS own ON own.account_id = r.SubAccountId
LEFT JOIN accounts AS billing ON billing.account_id = c.BillingAccountId;

COMMENT ON VIEW focus_data_table IS 'Every charge in FOCUS columns (1.0 to 1.4): start here. Costs are DECIMAL(38,18), times UTC; x_Origin = billed is the bill';
