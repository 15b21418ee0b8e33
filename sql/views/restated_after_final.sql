-- restated_after_final: the loads that changed the money of a billing period that was final. One row per load; what
-- they changed by account and service is in restatements, by load_id.

CREATE OR REPLACE VIEW restated_after_final AS
SELECT load_id, x_Source, x_BillingPeriod, max(happened_at) AS restated_at
FROM period_events
WHERE event = 'restated' AND load_id IS NOT NULL
GROUP BY load_id, x_Source, x_BillingPeriod;

COMMENT ON VIEW restated_after_final IS 'Loads that changed the money of a final billing period; join restatements by load_id';
