-- spellings: tag keys of which charges carry several spellings with different values, all billing periods together.
-- A row is one key: charges, the first spelling that counts by name, and the first other one.

SELECT
    TagKey, CAST(sum(x_ChargeCount) AS BIGINT) AS charges,
    min(spelling) AS spelling, min(other_spelling) AS other_spelling
FROM tag_conflicts
GROUP BY TagKey
ORDER BY TagKey
