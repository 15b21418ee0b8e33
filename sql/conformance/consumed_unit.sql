-- consumed_unit: ConsumedUnit: is given exactly where ConsumedQuantity is, unless it is a correction.
-- Returns the rows for which that is not so.

SELECT c.*
FROM checked AS c
WHERE
    c.ChargeClass IS NULL AND (c.ConsumedUnit IS NULL) <> (c.ConsumedQuantity IS NULL)
