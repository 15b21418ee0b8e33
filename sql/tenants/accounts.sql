-- accounts: names and owners of the accounts that incurred a tenant's charges; the account that is billed may be another's.

SELECT a.*
FROM accounts AS a
WHERE a.account_id IN (SELECT SubAccountId FROM tenant_file.resources)
