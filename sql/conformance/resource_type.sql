-- resource_type: ResourceType: is given exactly where ResourceId is.
-- Returns the rows for which that is not so.

SELECT c.*
FROM checked AS c
WHERE
    (c.ResourceType IS NULL) <> (c.ResourceId IS NULL)
