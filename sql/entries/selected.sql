-- selected: the charges that a figure counts. A row is a charge of one source's bill, or a recorded one.
-- A parameter that is NULL selects nothing away; periods are labels, all ends exclusive.

SELECT *
FROM charges
WHERE
    ($start IS NULL OR ChargePeriodStart >= CAST($start AS TIMESTAMP))
    AND ($end IS NULL OR ChargePeriodStart < CAST($end AS TIMESTAMP))
    AND ($first_period IS NULL OR x_BillingPeriod >= $first_period)
    AND ($end_period IS NULL OR x_BillingPeriod < $end_period)
    AND ($category IS NULL OR coalesce(x_CostCategory, 'other') = $category)
    AND ($currency IS NULL OR coalesce(BillingCurrency, 'XXX') = $currency)
    AND ($origin IS NULL OR x_Origin = $origin)
    AND ($record_id IS NULL OR x_RecordId = $record_id)
