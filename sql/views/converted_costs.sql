-- converted_costs: daily_costs in the reporting currency (currency.report) at the rates that the configuration gives.
-- A row is one row of daily_costs; its costs are NULL where no rate converts them (BilledCost as billed is in
-- daily_costs). The product is exact and rounds half away from zero at the 18th decimal: an amount is cut at its point,
-- since the product of a whole and of a fraction with a rate of at most 12 decimals each fits a DECIMAL.

CREATE OR REPLACE VIEW converted_costs AS
WITH rated AS (
    SELECT
        d.* EXCLUDE (BilledCost, EffectiveCost, ListCost, ContractedCost),
        report.value AS x_ReportCurrency,
        CASE WHEN d.BillingCurrency = report.value THEN CAST(1 AS DECIMAL(18, 12))
            ELSE CAST(r.rate AS DECIMAL(18, 12)) END AS x_Rate,
        trunc(d.BilledCost) AS billed, d.BilledCost - trunc(d.BilledCost) AS billed_rest,
        trunc(d.EffectiveCost) AS effective, d.EffectiveCost - trunc(d.EffectiveCost) AS effective_rest,
        trunc(d.ListCost) AS list, d.ListCost - trunc(d.ListCost) AS list_rest,
        trunc(d.ContractedCost) AS contracted, d.ContractedCost - trunc(d.ContractedCost) AS contracted_rest
    FROM daily_costs AS d
    LEFT JOIN settings AS report ON report.name = 'report_currency'
    LEFT JOIN rates AS r ON r.x_BillingPeriod = d.x_BillingPeriod AND r.from_currency = d.BillingCurrency
)

SELECT
    * EXCLUDE (billed, billed_rest, effective, effective_rest, list, list_rest, contracted, contracted_rest),
    CAST(CAST(billed AS DECIMAL(20, 0)) * x_Rate AS DECIMAL(38, 18))
        + CAST(CAST(billed_rest AS DECIMAL(18, 18)) * x_Rate AS DECIMAL(38, 18)) AS BilledCost,
    CAST(CAST(effective AS DECIMAL(20, 0)) * x_Rate AS DECIMAL(38, 18))
        + CAST(CAST(effective_rest AS DECIMAL(18, 18)) * x_Rate AS DECIMAL(38, 18)) AS EffectiveCost,
    CAST(CAST(list AS DECIMAL(20, 0)) * x_Rate AS DECIMAL(38, 18))
        + CAST(CAST(list_rest AS DECIMAL(18, 18)) * x_Rate AS DECIMAL(38, 18)) AS ListCost,
    CAST(CAST(contracted AS DECIMAL(20, 0)) * x_Rate AS DECIMAL(38, 18))
        + CAST(CAST(contracted_rest AS DECIMAL(18, 18)) * x_Rate AS DECIMAL(38, 18)) AS ContractedCost
FROM rated;

COMMENT ON VIEW converted_costs IS 'daily_costs in the reporting currency at the configured rates; costs are NULL where no rate converts them, so count x_Rate IS NULL before you trust a sum';
