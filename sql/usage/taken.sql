-- How far each segment of a usage log is settled: one row per file, with its first bytes that are charges or were taken out.
-- A delivery of which something waits, or of which billing periods are still to come, settles nothing.

SELECT path, max(bytes) AS bytes
FROM (
    SELECT file.path, file.bytes, own.fingerprint
    FROM loads AS own
    INNER JOIN load_files AS file ON file.load_id = own.load_id
    WHERE own.format = 'usage_log'
    GROUP BY ALL
    HAVING bool_and(own.status IN ('loaded', 'replaced', 'superseded', 'rejected'))
        AND max('unfinished:' || own.x_Source || ':' || own.fingerprint) NOT IN (SELECT name FROM settings)
)
GROUP BY path
