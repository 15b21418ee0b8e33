-- twice: files that two sources have loaded, so that their charges count twice.
-- A row is a pair of sources: how many files, the first one's path, and the names of both.

WITH files AS (
    SELECT f.sha256, min(f.path) AS path, min(l.x_Source) AS one, max(l.x_Source) AS other
    FROM load_files AS f
    INNER JOIN loads AS l ON l.load_id = f.load_id
    WHERE l.status = 'loaded' AND f.rows > 0
    GROUP BY f.sha256
    HAVING min(l.x_Source) <> max(l.x_Source)
)

SELECT count(*), min(path), one, other
FROM files
GROUP BY one, other
ORDER BY ALL
