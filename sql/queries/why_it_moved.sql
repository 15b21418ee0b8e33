-- why_it_moved: Why did each service cost more or less than in the billing period before?
-- A row is one currency and service of the latest billing period that moved; the largest change first.
-- change: its complete days against the period before brought to as many days, in BillingCurrency, exact. The columns after
-- it are its parts and sum to it; fees_and_other: purchases, adjustments, and usage without a quantity.

SELECT
    BillingCurrency,
    ServiceName,
    sum(change) AS change,
    coalesce(sum(change) FILTER (WHERE reason = 'usage'), 0) AS usage,
    coalesce(sum(change) FILTER (WHERE reason = 'price'), 0) AS price,
    coalesce(sum(change) FILTER (WHERE reason = 'new'), 0) AS new,
    coalesce(sum(change) FILTER (WHERE reason = 'gone'), 0) AS gone,
    coalesce(sum(change) FILTER (WHERE reason = 'credit'), 0) AS credits,
    coalesce(sum(change) FILTER (WHERE reason = 'refund'), 0) AS refunds,
    coalesce(sum(change) FILTER (WHERE reason = 'tax'), 0) AS tax,
    coalesce(sum(change) FILTER (WHERE reason IN ('purchase', 'other')), 0) AS fees_and_other
FROM mover_reasons
WHERE x_BillingPeriod = (
    SELECT max(x_BillingPeriod) FROM source_periods WHERE x_Origin = 'billed' AND charges > 0
)
GROUP BY BillingCurrency, ServiceName
HAVING sum(change) <> 0
ORDER BY BillingCurrency, abs(sum(change)) DESC, ServiceName
