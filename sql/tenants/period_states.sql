-- period_states: whether the billing periods of a tenant's charges may still change. What they came to, what was said of
-- them and that they were restated is of the whole source, and stays with the operator.

SELECT s.x_Source, s.x_BillingPeriod, CASE WHEN s.state = 'open' THEN 'open' ELSE 'final' END AS state, '' AS costs_hash
FROM period_states AS s
WHERE (s.x_Source, s.x_BillingPeriod) IN (SELECT (x_Source, x_BillingPeriod) FROM tenant_file.charges)
