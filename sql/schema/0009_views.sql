-- load_files.x_View: which view of the money a file is, for formats whose billing periods come in two.

ALTER TABLE load_files ADD COLUMN x_View VARCHAR;

COMMENT ON COLUMN load_files.x_View IS 'actual, amortized, or both (no commitments in it); NULL for formats that have one view';
