-- controls: the money law of a delivery ($load_id), for `costmill deliveries show`.
-- A row is one sum of one currency: file = charges + rejected. A delivery that never went in has none.

SELECT
    column_name AS "column", source_expression AS "of", BillingCurrency AS currency, file_total AS file,
    charges_total AS charges, rejected_total AS rejected, rounding
FROM load_controls WHERE load_id = $load_id ORDER BY currency, "column", "of"
