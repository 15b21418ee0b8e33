-- charges: the star's facts. Grain: one row per charge of a delivery (or per recorded entry).
-- No key and no index: they cost at load and serve no query here.

CREATE TABLE charges (
    x_LoadId VARCHAR,
    x_Source VARCHAR,
    x_Origin VARCHAR,
    x_Provider VARCHAR,
    x_BillingPeriod VARCHAR,
    x_ResourceKey UUID,
    x_TagSetId UUID,
    x_CostCategory VARCHAR,
    x_LineItemType VARCHAR,
    x_SourceChanges VARCHAR,
    x_RecordId VARCHAR,
    x_Kept VARCHAR,
    AllocatedMethodDetails VARCHAR,
    AllocatedMethodId VARCHAR,
    AllocatedResourceId VARCHAR,
    AllocatedResourceName VARCHAR,
    AllocatedTags VARCHAR,
    AvailabilityZone VARCHAR,
    BilledCost DECIMAL(38, 18),
    BillingAccountId VARCHAR,
    BillingAccountName VARCHAR,
    BillingAccountType VARCHAR,
    BillingCurrency VARCHAR,
    BillingPeriodEnd TIMESTAMP,
    BillingPeriodStart TIMESTAMP,
    CapacityReservationId VARCHAR,
    CapacityReservationStatus VARCHAR,
    ChargeCategory VARCHAR,
    ChargeClass VARCHAR,
    ChargeDescription VARCHAR,
    ChargeFrequency VARCHAR,
    ChargePeriodEnd TIMESTAMP,
    ChargePeriodStart TIMESTAMP,
    CommitmentDiscountCategory VARCHAR,
    CommitmentDiscountId VARCHAR,
    CommitmentDiscountName VARCHAR,
    CommitmentDiscountQuantity DECIMAL(38, 18),
    CommitmentDiscountStatus VARCHAR,
    CommitmentDiscountType VARCHAR,
    CommitmentDiscountUnit VARCHAR,
    CommitmentProgramEligibilityDetails VARCHAR,
    ConsumedQuantity DECIMAL(38, 18),
    ConsumedUnit VARCHAR,
    ContractApplied VARCHAR,
    ContractedCost DECIMAL(38, 18),
    ContractedUnitPrice DECIMAL(38, 18),
    EffectiveCost DECIMAL(38, 18),
    HostProviderName VARCHAR,
    InvoiceDetailId VARCHAR,
    InvoiceId VARCHAR,
    InvoiceIssuerName VARCHAR,
    ListCost DECIMAL(38, 18),
    ListUnitPrice DECIMAL(38, 18),
    PricingCategory VARCHAR,
    PricingCurrency VARCHAR,
    PricingCurrencyContractedUnitPrice DECIMAL(38, 18),
    PricingCurrencyEffectiveCost DECIMAL(38, 18),
    PricingCurrencyListUnitPrice DECIMAL(38, 18),
    PricingQuantity DECIMAL(38, 18),
    PricingUnit VARCHAR,
    ProviderName VARCHAR,
    PublisherName VARCHAR,
    ServiceCategory VARCHAR,
    ServiceName VARCHAR,
    ServiceProviderName VARCHAR,
    ServiceSubcategory VARCHAR,
    SkuId VARCHAR,
    SkuMeter VARCHAR,
    SkuPriceDetails VARCHAR,
    SkuPriceId VARCHAR,
    SubAccountType VARCHAR
);

COMMENT ON TABLE charges IS 'One row per charge of a bill, FOCUS columns; resources and tags by key. Analysts: use focus_data_table';
COMMENT ON COLUMN charges.x_LoadId IS 'loads.load_id of the delivery that brought the charge; NULL for recorded entries';
COMMENT ON COLUMN charges.x_Source IS 'Name of the configured source';
COMMENT ON COLUMN charges.x_Origin IS 'billed (from an export) or recorded (by CostTracker.record)';
COMMENT ON COLUMN charges.x_Provider IS 'Short lower-case provider: aws, azure, gcp, oci, else the provider name in lower case';
COMMENT ON COLUMN charges.x_BillingPeriod IS 'Label of the billing period, YYYY-MM';
COMMENT ON COLUMN charges.x_ResourceKey IS 'Key of resources';
COMMENT ON COLUMN charges.x_TagSetId IS 'Key of tag_sets; NULL when the charge has no tags';
COMMENT ON COLUMN charges.x_CostCategory IS 'CostCategory value of the Python interface';
COMMENT ON COLUMN charges.x_LineItemType IS 'LineItemType as AWS writes it; NULL elsewhere';
COMMENT ON COLUMN charges.x_SourceChanges IS 'Blank-separated codes of what was normalised on this charge; NULL when nothing was';
COMMENT ON COLUMN charges.x_RecordId IS 'CostEntry.id of a recorded entry; NULL for billed charges';
COMMENT ON COLUMN charges.x_Kept IS 'JSON object of the columns that the source keeps (keep_columns); NULL when it keeps none';
COMMENT ON COLUMN charges.AllocatedMethodDetails IS 'FOCUS 1.3 to 1.4: Allocated Method Details, JSON text';
COMMENT ON COLUMN charges.AllocatedMethodId IS 'FOCUS 1.3 to 1.4: Allocated Method ID';
COMMENT ON COLUMN charges.AllocatedResourceId IS 'FOCUS 1.3 to 1.4: Allocated Resource ID';
COMMENT ON COLUMN charges.AllocatedResourceName IS 'FOCUS 1.3 to 1.4: Allocated Resource Name';
COMMENT ON COLUMN charges.AllocatedTags IS 'FOCUS 1.3 to 1.4: Allocated Tags, JSON text';
COMMENT ON COLUMN charges.AvailabilityZone IS 'FOCUS 1.0 to 1.4: Availability Zone';
COMMENT ON COLUMN charges.BilledCost IS 'FOCUS 1.0 to 1.4: Billed Cost';
COMMENT ON COLUMN charges.BillingAccountId IS 'FOCUS 1.0 to 1.4: Billing Account ID';
COMMENT ON COLUMN charges.BillingAccountName IS 'FOCUS 1.0 to 1.4: Billing Account Name';
COMMENT ON COLUMN charges.BillingAccountType IS 'FOCUS 1.2 to 1.4: Billing Account Type';
COMMENT ON COLUMN charges.BillingCurrency IS 'FOCUS 1.0 to 1.4: Billing Currency';
COMMENT ON COLUMN charges.BillingPeriodEnd IS 'FOCUS 1.0 to 1.4: Billing Period End, UTC';
COMMENT ON COLUMN charges.BillingPeriodStart IS 'FOCUS 1.0 to 1.4: Billing Period Start, UTC';
COMMENT ON COLUMN charges.CapacityReservationId IS 'FOCUS 1.1 to 1.4: Capacity Reservation ID';
COMMENT ON COLUMN charges.CapacityReservationStatus IS 'FOCUS 1.1 to 1.4: Capacity Reservation Status';
COMMENT ON COLUMN charges.ChargeCategory IS 'FOCUS 1.0 to 1.4: Charge Category';
COMMENT ON COLUMN charges.ChargeClass IS 'FOCUS 1.0 to 1.4: Charge Class';
COMMENT ON COLUMN charges.ChargeDescription IS 'FOCUS 1.0 to 1.4: Charge Description';
COMMENT ON COLUMN charges.ChargeFrequency IS 'FOCUS 1.0 to 1.4: Charge Frequency';
COMMENT ON COLUMN charges.ChargePeriodEnd IS 'FOCUS 1.0 to 1.4: Charge Period End, UTC';
COMMENT ON COLUMN charges.ChargePeriodStart IS 'FOCUS 1.0 to 1.4: Charge Period Start, UTC';
COMMENT ON COLUMN charges.CommitmentDiscountCategory IS 'FOCUS 1.0 to 1.4: Commitment Discount Category';
COMMENT ON COLUMN charges.CommitmentDiscountId IS 'FOCUS 1.0 to 1.4: Commitment Discount ID';
COMMENT ON COLUMN charges.CommitmentDiscountName IS 'FOCUS 1.0 to 1.4: Commitment Discount Name';
COMMENT ON COLUMN charges.CommitmentDiscountQuantity IS 'FOCUS 1.1 to 1.4: Commitment Discount Quantity';
COMMENT ON COLUMN charges.CommitmentDiscountStatus IS 'FOCUS 1.0 to 1.4: Commitment Discount Status';
COMMENT ON COLUMN charges.CommitmentDiscountType IS 'FOCUS 1.0 to 1.4: Commitment Discount Type';
COMMENT ON COLUMN charges.CommitmentDiscountUnit IS 'FOCUS 1.1 to 1.4: Commitment Discount Unit';
COMMENT ON COLUMN charges.CommitmentProgramEligibilityDetails IS 'FOCUS 1.4 to 1.4: Commitment Program Eligibility Details, JSON text';
COMMENT ON COLUMN charges.ConsumedQuantity IS 'FOCUS 1.0 to 1.4: Consumed Quantity';
COMMENT ON COLUMN charges.ConsumedUnit IS 'FOCUS 1.0 to 1.4: Consumed Unit';
COMMENT ON COLUMN charges.ContractApplied IS 'FOCUS 1.3 to 1.4: Contract Applied, JSON text';
COMMENT ON COLUMN charges.ContractedCost IS 'FOCUS 1.0 to 1.4: Contracted Cost';
COMMENT ON COLUMN charges.ContractedUnitPrice IS 'FOCUS 1.0 to 1.4: Contracted Unit Price';
COMMENT ON COLUMN charges.EffectiveCost IS 'FOCUS 1.0 to 1.4: Effective Cost';
COMMENT ON COLUMN charges.HostProviderName IS 'FOCUS 1.3 to 1.4: Host Provider Name';
COMMENT ON COLUMN charges.InvoiceDetailId IS 'FOCUS 1.4 to 1.4: Invoice Detail ID';
COMMENT ON COLUMN charges.InvoiceId IS 'FOCUS 1.2 to 1.4: Invoice ID';
COMMENT ON COLUMN charges.InvoiceIssuerName IS 'FOCUS 1.0 to 1.4: Invoice Issuer Name';
COMMENT ON COLUMN charges.ListCost IS 'FOCUS 1.0 to 1.4: List Cost';
COMMENT ON COLUMN charges.ListUnitPrice IS 'FOCUS 1.0 to 1.4: List Unit Price';
COMMENT ON COLUMN charges.PricingCategory IS 'FOCUS 1.0 to 1.4: Pricing Category';
COMMENT ON COLUMN charges.PricingCurrency IS 'FOCUS 1.2 to 1.4: Pricing Currency';
COMMENT ON COLUMN charges.PricingCurrencyContractedUnitPrice IS 'FOCUS 1.2 to 1.4: Pricing Currency Contracted Unit Price';
COMMENT ON COLUMN charges.PricingCurrencyEffectiveCost IS 'FOCUS 1.2 to 1.4: Pricing Currency Effective Cost';
COMMENT ON COLUMN charges.PricingCurrencyListUnitPrice IS 'FOCUS 1.2 to 1.4: Pricing Currency List Unit Price';
COMMENT ON COLUMN charges.PricingQuantity IS 'FOCUS 1.0 to 1.4: Pricing Quantity';
COMMENT ON COLUMN charges.PricingUnit IS 'FOCUS 1.0 to 1.4: Pricing Unit';
COMMENT ON COLUMN charges.ProviderName IS 'FOCUS 1.0 to 1.3: Provider Name';
COMMENT ON COLUMN charges.PublisherName IS 'FOCUS 1.0 to 1.3: Publisher Name';
COMMENT ON COLUMN charges.ServiceCategory IS 'FOCUS 1.0 to 1.4: Service Category';
COMMENT ON COLUMN charges.ServiceName IS 'FOCUS 1.0 to 1.4: Service Name';
COMMENT ON COLUMN charges.ServiceProviderName IS 'FOCUS 1.3 to 1.4: Service Provider Name';
COMMENT ON COLUMN charges.ServiceSubcategory IS 'FOCUS 1.1 to 1.4: Service Subcategory';
COMMENT ON COLUMN charges.SkuId IS 'FOCUS 1.0 to 1.4: SKU ID';
COMMENT ON COLUMN charges.SkuMeter IS 'FOCUS 1.1 to 1.4: SKU Meter';
COMMENT ON COLUMN charges.SkuPriceDetails IS 'FOCUS 1.1 to 1.4: SKU Price Details, JSON text';
COMMENT ON COLUMN charges.SkuPriceId IS 'FOCUS 1.0 to 1.4: SKU Price ID';
COMMENT ON COLUMN charges.SubAccountType IS 'FOCUS 1.2 to 1.4: Sub Account Type';

CREATE TABLE kept_columns (
    column_name VARCHAR PRIMARY KEY
);

COMMENT ON TABLE kept_columns IS 'Names of the columns kept so far: keys of charges.x_Kept, columns of focus_data_table';
