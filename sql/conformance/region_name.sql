-- region_name: RegionName: is given where RegionId is.
-- Returns the rows for which that is not so.

SELECT c.*
FROM checked AS c
WHERE
    c.RegionName IS NULL AND c.RegionId IS NOT NULL
