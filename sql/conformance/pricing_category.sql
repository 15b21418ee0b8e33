-- pricing_category: PricingCategory: is given for usage and purchases that are no correction, and null for tax.
-- Returns the rows for which that is not so.

SELECT c.*
FROM checked AS c
WHERE
    (c.PricingCategory IS NULL AND c.ChargeCategory IN ('Usage', 'Purchase') AND c.ChargeClass IS NULL)
    OR (c.PricingCategory IS NOT NULL AND c.ChargeCategory = 'Tax')
