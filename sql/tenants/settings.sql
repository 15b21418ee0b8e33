-- settings: whose file it is, and the reporting currency.

SELECT 'tenant' AS name, $tenant AS value
UNION ALL
SELECT name, value FROM settings WHERE name = 'report_currency'
