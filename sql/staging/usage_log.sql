-- What a record of the usage log must not say, beyond what cannot be read at all: the record is rejected. Quantities are
-- not negative, cached tokens are a part of the input tokens, and the ids of billed charges stay theirs. A record without
-- a cost has the one that priced_records gives it, as x_Price, or the reason why it has none.

WITH judged AS (
    SELECT
        s.*, p.x_Price,
        CASE
            WHEN cost < 0 THEN concat('cost', chr(31), cost, chr(31), 'is negative; a record says what was spent')
            WHEN NOT regexp_full_match(currency, '[A-Z]{3}')
                THEN concat('currency', chr(31), left(currency, 200), chr(31), 'is no ISO 4217 code such as USD')
            WHEN starts_with(id, 'billed-')
                THEN concat('id', chr(31), left(id, 200), chr(31), 'begins with billed-, as the ids of billed charges do')
            WHEN NOT input_tokens BETWEEN 0 AND 999999999999999999
                THEN concat('input_tokens', chr(31), input_tokens, chr(31), 'is negative or too large')
            WHEN NOT output_tokens BETWEEN 0 AND 999999999999999999
                THEN concat('output_tokens', chr(31), output_tokens, chr(31), 'is negative or too large')
            WHEN NOT cached_input_tokens BETWEEN 0 AND 999999999999999999
                THEN concat('cached_input_tokens', chr(31), cached_input_tokens, chr(31), 'is negative or too large')
            WHEN NOT images BETWEEN 0 AND 999999999999999999
                THEN concat('images', chr(31), images, chr(31), 'is negative or too large')
            WHEN NOT seconds BETWEEN 0 AND 999999999999999999
                THEN concat('seconds', chr(31), seconds, chr(31), 'is negative or too large')
            WHEN cached_input_tokens > coalesce(input_tokens, 0)
                THEN concat(
                    'cached_input_tokens', chr(31), cached_input_tokens, chr(31),
                    'is more than input_tokens, of which it is a part'
                )
            WHEN p.problem IS NOT NULL THEN concat('cost', chr(31), chr(31), p.problem)
        END AS problem
    FROM staged_as_read AS s
    LEFT JOIN priced_records AS p ON p.x_File = s.x_File AND p.x_Record = s.x_Record
)

SELECT * EXCLUDE (problem) REPLACE (coalesce(x_Problem, problem) AS x_Problem)
FROM judged
