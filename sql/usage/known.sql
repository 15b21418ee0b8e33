-- The ids among $ids that stored records have already; $first, $last: the months that they lie in.

SELECT x_RecordId
FROM charges
WHERE x_BillingPeriod BETWEEN $first AND $last AND x_RecordId IN (SELECT unnest($ids))
