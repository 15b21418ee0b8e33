-- aws_cur_residues: what savings plan negations leave uncancelled, as charges of their own.
-- A row is one payer, account, usage type and currency of a billing period whose covered usage and negations do not
-- sum to zero: an Adjustment, so that the billing period's total stays the file's.

SELECT
    s.x_BillingPeriod,
    'aws' AS x_Provider,
    'SavingsPlanNegation' AS x_LineItemType,
    'residue' AS x_SourceChanges,
    sum(coalesce(s.line_item_net_unblended_cost, s.line_item_unblended_cost)) AS BilledCost,
    CAST(0 AS DECIMAL(38, 18)) AS EffectiveCost,
    CAST(0 AS DECIMAL(38, 18)) AS ListCost,
    CAST(0 AS DECIMAL(38, 18)) AS ContractedCost,
    s.bill_payer_account_id AS BillingAccountId,
    s.line_item_currency_code AS BillingCurrency,
    min(s.bill_billing_period_start_date) AS BillingPeriodStart,
    max(s.bill_billing_period_end_date + to_seconds(CASE WHEN second(s.bill_billing_period_end_date) = 59 THEN 1 ELSE 0 END))
        AS BillingPeriodEnd,
    min(s.line_item_usage_start_date) AS ChargePeriodStart,
    max(s.line_item_usage_end_date) AS ChargePeriodEnd,
    'Adjustment' AS ChargeCategory,
    'Savings plan negation that covers usage of other accounts: ' || coalesce(s.line_item_usage_type, 'no usage type')
        AS ChargeDescription,
    'Usage-Based' AS ChargeFrequency,
    'AWS' AS ProviderName,
    'AWS' AS ServiceProviderName,
    'AWS' AS PublisherName,
    max(coalesce(s.bill_invoicing_entity, s.line_item_legal_entity)) AS InvoiceIssuerName,
    'Other' AS ServiceCategory,
    'Savings Plans for AWS Compute usage' AS ServiceName,
    s.line_item_usage_type AS SkuMeter,
    s.line_item_usage_account_id AS SubAccountId,
    max(s.line_item_usage_account_name) AS SubAccountName
FROM staged AS s
WHERE
    s.x_Problem IS NULL
    AND s.line_item_line_item_type IN ('SavingsPlanCoveredUsage', 'SavingsPlanNegation')
    AND s.x_BillingPeriod IN (
        SELECT n.x_BillingPeriod
        FROM staged AS n
        WHERE n.line_item_line_item_type = 'SavingsPlanNegation' AND n.x_Problem IS NULL
    )
GROUP BY
    s.x_BillingPeriod, s.bill_payer_account_id, s.line_item_currency_code, s.line_item_usage_account_id,
    s.line_item_usage_type
HAVING sum(coalesce(s.line_item_net_unblended_cost, s.line_item_unblended_cost)) <> 0
