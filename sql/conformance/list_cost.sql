-- list_cost: ListCost: is ListUnitPrice times PricingQuantity, unless it is a correction.
-- The specification names no tolerance: what rounding price and quantity to 9 places can move is let go.
-- Returns the rows for which that is not so.

SELECT c.*
FROM checked AS c
WHERE
    c.ChargeClass IS NULL
    AND abs(
        c.ListCost - TRY_CAST(c.ListUnitPrice AS DECIMAL(19, 9)) * TRY_CAST(c.PricingQuantity AS DECIMAL(19, 9))
    ) > 0.000001 + abs(TRY_CAST(c.PricingQuantity AS DECIMAL(19, 9)) * CAST(0.000000001 AS DECIMAL(19, 9)))
        + abs(TRY_CAST(c.ListUnitPrice AS DECIMAL(19, 9)) * CAST(0.000000001 AS DECIMAL(19, 9)))
