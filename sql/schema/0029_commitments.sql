-- Commitments: a rollup of the charges of reservations, savings plans and committed use, and the summary made from it.

CREATE TABLE commitment_costs (
    x_BillingPeriod VARCHAR NOT NULL,
    ChargeDay DATE NOT NULL,
    BillingCurrency VARCHAR,
    x_Source VARCHAR NOT NULL,
    x_Origin VARCHAR NOT NULL,
    x_TenantId VARCHAR,
    x_Provider VARCHAR,
    CommitmentDiscountId VARCHAR NOT NULL,
    CommitmentDiscountName VARCHAR,
    CommitmentDiscountType VARCHAR,
    CommitmentDiscountCategory VARCHAR,
    CommitmentDiscountStatus VARCHAR,
    CommitmentDiscountUnit VARCHAR,
    ChargeCategory VARCHAR,
    ChargeClass VARCHAR,
    BilledCost DECIMAL(38, 18) NOT NULL,
    EffectiveCost DECIMAL(38, 18) NOT NULL,
    ListCost DECIMAL(38, 18) NOT NULL,
    ContractedCost DECIMAL(38, 18) NOT NULL,
    CommitmentDiscountQuantity DECIMAL(38, 18),
    x_ChargeCount BIGINT NOT NULL,
    x_DerivedCount BIGINT NOT NULL,
    x_NoListCount BIGINT NOT NULL,
    x_NoContractedCount BIGINT NOT NULL
);

COMMENT ON TABLE commitment_costs IS 'Charges with a CommitmentDiscountId by day of ChargePeriodStart and every dimension before the measures; NULL costs count as 0';

CREATE TABLE commitment_summary (
    x_BillingPeriod VARCHAR NOT NULL,
    BillingCurrency VARCHAR,
    x_Origin VARCHAR NOT NULL,
    x_Provider VARCHAR,
    CommitmentDiscountId VARCHAR NOT NULL,
    CommitmentDiscountName VARCHAR,
    CommitmentDiscountType VARCHAR,
    CommitmentDiscountCategory VARCHAR,
    purchase_BilledCost DECIMAL(38, 18) NOT NULL,
    used_EffectiveCost DECIMAL(38, 18) NOT NULL,
    unused_EffectiveCost DECIMAL(38, 18) NOT NULL,
    other_EffectiveCost DECIMAL(38, 18) NOT NULL,
    utilisation_percent DECIMAL(38, 18),
    covered_ListCost DECIMAL(38, 18) NOT NULL,
    covered_ContractedCost DECIMAL(38, 18) NOT NULL,
    list_savings DECIMAL(38, 18),
    contracted_savings DECIMAL(38, 18),
    CommitmentDiscountUnit VARCHAR,
    used_quantity DECIMAL(38, 18),
    unused_quantity DECIMAL(38, 18),
    days_covered INTEGER NOT NULL,
    x_ChargeCount BIGINT NOT NULL
);

COMMENT ON TABLE commitment_summary IS 'Use and waste of commitments (reservations, savings plans, committed use) by billing period, currency, origin, provider and commitment';

-- The rollup of what is loaded already is made with the others, by the next run.
UPDATE settings SET value = '' WHERE name = 'reported_tags';
