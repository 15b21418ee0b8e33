-- files: the files of a delivery ($load_id), for `costmill deliveries show`.
-- A row is one file, with its rows of this billing period.

SELECT path, bytes, rows, sha256 FROM load_files WHERE load_id = $load_id ORDER BY path
