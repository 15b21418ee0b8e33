-- tag_conflicts: where charges carry several spellings of one tag key with different values, and which of them counts.

CREATE OR REPLACE VIEW tag_conflicts AS
WITH spelled AS (
    SELECT t.x_TagSetId, a.TagKey, a.spelling, a.position, t.TagValue
    FROM tag_aliases AS a
    INNER JOIN tags AS t ON t.TagKey = a.spelling
),

used AS (
    SELECT x_TagSetId, TagKey, arg_min(spelling, position) AS spelling, arg_min(TagValue, position) AS TagValue
    FROM spelled
    GROUP BY x_TagSetId, TagKey
    HAVING count(DISTINCT TagValue) > 1
)

SELECT
    c.x_BillingPeriod, c.BillingCurrency, c.x_Source, u.TagKey, u.spelling, u.TagValue,
    s.spelling AS other_spelling, s.TagValue AS other_value,
    sum(c.BilledCost) AS BilledCost,
    CAST(sum(c.x_ChargeCount) AS BIGINT) AS x_ChargeCount
FROM used AS u
INNER JOIN spelled AS s ON s.x_TagSetId = u.x_TagSetId AND s.TagKey = u.TagKey AND s.TagValue <> u.TagValue
INNER JOIN resource_costs AS c ON c.x_TagSetId = u.x_TagSetId
WHERE c.x_Origin = 'billed'
GROUP BY ALL;

COMMENT ON VIEW tag_conflicts IS 'Charges with several spellings of one tag key (tags.aliases) and different values: the value that counts beside each that does not';
