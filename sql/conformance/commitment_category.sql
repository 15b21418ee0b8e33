-- commitment_category: CommitmentDiscountCategory: is given exactly where CommitmentDiscountId is.
-- Returns the rows for which that is not so.

SELECT c.*
FROM checked AS c
WHERE
    (c.CommitmentDiscountCategory IS NULL) <> (c.CommitmentDiscountId IS NULL)
