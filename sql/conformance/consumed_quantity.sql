-- consumed_quantity: ConsumedQuantity: is given for usage, and null for other charges and unused commitments.
-- Returns the rows for which that is not so.

SELECT c.*
FROM checked AS c
WHERE
    (c.ConsumedQuantity IS NOT NULL AND (c.ChargeCategory <> 'Usage' OR c.CommitmentDiscountStatus = 'Unused'))
    OR (
        c.ConsumedQuantity IS NULL
        AND c.ChargeCategory = 'Usage'
        AND coalesce(c.CommitmentDiscountStatus, 'Used') <> 'Unused'
        AND c.ChargeClass IS NULL
    )
