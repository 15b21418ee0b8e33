-- purchase_frequency: ChargeFrequency: of a Purchase is never Usage-Based.
-- Returns the rows for which that is not so.

SELECT c.*
FROM checked AS c
WHERE
    c.ChargeCategory = 'Purchase' AND c.ChargeFrequency = 'Usage-Based'
