-- sub_account_name: SubAccountName: is null where SubAccountId is.
-- Returns the rows for which that is not so.

SELECT c.*
FROM checked AS c
WHERE
    c.SubAccountName IS NOT NULL AND c.SubAccountId IS NULL
