-- pricing_quantity: PricingQuantity: is given for usage and purchases that are no correction, and null for tax.
-- Returns the rows for which that is not so.

SELECT c.*
FROM checked AS c
WHERE
    (c.PricingQuantity IS NULL AND c.ChargeCategory IN ('Usage', 'Purchase') AND c.ChargeClass IS NULL)
    OR (c.PricingQuantity IS NOT NULL AND c.ChargeCategory = 'Tax')
