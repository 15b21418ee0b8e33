-- drift: how the columns of a delivery ($load_id) differ from those of the one before, for `costmill deliveries show`.
-- A row is one column, or the format's version (column NULL).

SELECT change, column_name AS "column", before, after FROM load_drift WHERE load_id = $load_id
ORDER BY "column" NULLS FIRST
