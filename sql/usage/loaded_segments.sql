-- loaded_segments: one row per segment of the usage log of which all records are charges: its SHA-256, how many they are.
-- $source: the source of the log.

SELECT f.sha256, CAST(max(f.loaded_rows) AS BIGINT) AS rows
FROM (
    SELECT own.fingerprint, own.mapping, min(file.sha256) AS sha256, sum(file.rows) AS loaded_rows
    FROM loads AS own
    INNER JOIN load_files AS file ON file.load_id = own.load_id
    WHERE own.x_Source = $source
    GROUP BY ALL
    HAVING bool_and(
        own.rows_rejected = 0
        AND (own.status = 'loaded' OR (own.status = 'superseded' AND own.reason = 'all of it is loaded already'))
    )
) AS f
GROUP BY ALL
