-- How the reader makes typed values out of what files hold. Each gives NULL for what is no such value.

-- Money as text: digits, sign, point, exponent; more than 18 decimals round half away from zero.
CREATE OR REPLACE TEMP MACRO money_text(t) AS
    CASE WHEN contains(t, '_') THEN NULL ELSE TRY_CAST(t AS DECIMAL(38, 18)) END;

-- A DOUBLE that is a decimal of at most 15 digits with at most 10 places is that decimal (no other one of so few
-- digits rounds to it); anything else goes by its shortest text.
CREATE OR REPLACE TEMP MACRO is_short_double(d) AS
    abs(d) < 1e5 AND CAST(TRY_CAST(d AS DECIMAL(18, 10)) AS DOUBLE) = d;
CREATE OR REPLACE TEMP MACRO money_double(d) AS
    CASE
        WHEN is_short_double(d) THEN CAST(TRY_CAST(d AS DECIMAL(18, 10)) AS DECIMAL(38, 18))
        ELSE TRY_CAST(CAST(d AS VARCHAR) AS DECIMAL(38, 18))
    END;

-- Texts that may have more than 18 decimals: the load sums what rounding moved.
CREATE OR REPLACE TEMP MACRO long_text(t) AS
    CASE WHEN length(t) > 19 OR contains(t, 'e') OR contains(t, 'E') THEN t END;
CREATE OR REPLACE TEMP MACRO long_double(d) AS
    CASE WHEN NOT is_short_double(d) THEN CAST(d AS VARCHAR) END;

-- ISO 8601 times of the years 1000 to 2999 as UTC; a time without offset is UTC already. DuckDB's own cast ignores
-- offsets and takes blanks for digits.
CREATE OR REPLACE TEMP MACRO in_calendar(m) AS
    CASE WHEN m >= TIMESTAMP '1000-01-01' AND m < TIMESTAMP '3000-01-01' THEN m END;
CREATE OR REPLACE TEMP MACRO offset_minutes(z) AS
    CASE
        WHEN length(z) >= 3 AND z[1] IN ('+', '-') THEN
            (CASE z[1] WHEN '-' THEN -1 ELSE 1 END)
            * (CAST(z[2:3] AS INTEGER) * 60 + CAST(coalesce(nullif(replace(z[4:], ':', ''), ''), '0') AS INTEGER))
        ELSE 0
    END;
CREATE OR REPLACE TEMP MACRO utc_text(t) AS
    CASE
        WHEN t[1] NOT IN ('1', '2') OR t[12] = ' ' OR t[15] = ' ' THEN NULL
        WHEN t LIKE '____-__-__T__:__:__Z' THEN TRY_CAST(t AS TIMESTAMP)
        WHEN t LIKE '____-__-__ __:__:__' THEN TRY_CAST(t AS TIMESTAMP)
        WHEN regexp_full_match(
            t, '\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?( ?(Z|UTC|[+-](0\d|1[0-4])(:?[0-5]\d)?))?)?'
        ) THEN
            TRY_CAST(regexp_extract(t, '^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?)?') AS TIMESTAMP)
            - to_minutes(offset_minutes(regexp_extract(t[11:], '[+-]\d\d(:?\d\d)?$')))
    END;

-- A number without trailing zeros, the same whether it came as 0, 0.0 or a DOUBLE.
CREATE OR REPLACE TEMP MACRO plain_number(d) AS rtrim(rtrim(CAST(CAST(d AS DECIMAL(38, 18)) AS VARCHAR), '0'), '.');

-- Midnight in Los Angeles on the first of a month, in UTC. Summer time holds on the first of April to November, since
-- 2007: it starts in March after the first and ends in November after midnight of the first.
CREATE OR REPLACE TEMP MACRO los_angeles_midnight(m) AS
    m + to_hours(CASE WHEN month(m) BETWEEN 4 AND 11 THEN 7 ELSE 8 END);
