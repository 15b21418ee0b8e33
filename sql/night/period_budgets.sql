-- What budgets and alerts of the windows that touch a billing period come to: one row a budget or alert, its hash.
-- Names and owners of budgets count with what is judged of them. No alias is called as a column is: that column would
-- be hashed alone.
SELECT 'status' AS told, judged.budget_id, CAST(hash(judged, made) AS VARCHAR) AS content
FROM budget_status AS judged LEFT JOIN budgets AS made USING (budget_id)
WHERE judged.period_start < $ends AND judged.period_end > $starts
UNION ALL
SELECT 'alert', raised.alert_id, CAST(hash(raised, made) AS VARCHAR)
FROM budget_alerts AS raised LEFT JOIN budgets AS made USING (budget_id)
WHERE raised.x_BillingPeriod = strftime(CAST($starts AS TIMESTAMP), '%Y-%m')
ORDER BY ALL
