-- commitment_status: CommitmentDiscountStatus: is given for usage with a CommitmentDiscountId, null without one.
-- Returns the rows for which that is not so.

SELECT c.*
FROM checked AS c
WHERE
    (c.CommitmentDiscountStatus IS NOT NULL AND c.CommitmentDiscountId IS NULL)
    OR (c.CommitmentDiscountStatus IS NULL AND c.CommitmentDiscountId IS NOT NULL AND c.ChargeCategory = 'Usage')
