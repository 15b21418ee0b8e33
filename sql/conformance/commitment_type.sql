-- commitment_type: CommitmentDiscountType: is given exactly where CommitmentDiscountId is.
-- Returns the rows for which that is not so.

SELECT c.*
FROM checked AS c
WHERE
    (c.CommitmentDiscountType IS NULL) <> (c.CommitmentDiscountId IS NULL)
