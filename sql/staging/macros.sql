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
CREATE OR REPLACE TEMP MACRO hours_and_minutes(n) AS n - n // 100 * 40;
CREATE OR REPLACE TEMP MACRO offset_minutes(z) AS
    hours_and_minutes(CAST(rpad(replace(z, ':', ''), 5, '0') AS INTEGER));
CREATE OR REPLACE TEMP MACRO utc_text(t) AS
    CASE
        WHEN t[1] NOT IN ('1', '2') OR t[12] = ' ' OR t[15] = ' ' THEN NULL
        WHEN t LIKE '____-__-__T__:__:__Z' OR t LIKE '____-__-__ __:__:__' THEN TRY_CAST(t AS TIMESTAMP)
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
-- Azure's dates: ISO, or month/day/year as its portal writes them, midnight at most beside them.
CREATE OR REPLACE TEMP MACRO date_text(t) AS
    CASE
        WHEN NOT contains(t, '/') THEN utc_text(t)
        WHEN regexp_full_match(t, '\d{1,2}/\d{1,2}/[12]\d{3}( (12:00:00 AM|0?0:00(:00)?))?') THEN
            TRY_CAST(concat_ws('-', split_part(t, '/', 3)[1:4], lpad(split_part(t, '/', 1), 2, '0'),
                lpad(split_part(t, '/', 2), 2, '0')) AS TIMESTAMP)
    END;
-- A date with the day first, told by a day that is no month: 13/01/2026.
CREATE OR REPLACE TEMP MACRO is_day_first(t) AS
    regexp_full_match(t, '(1[3-9]|2\d|3[01])/(0?[1-9]|1[0-2])/\d{2,4}( .*)?');

-- The product of two DECIMAL(38, 18), rounded once, half away from zero; NULL where it has too many digits.
CREATE OR REPLACE TEMP MACRO whole(a) AS CAST(trunc(a) AS DECIMAL(20, 0));
CREATE OR REPLACE TEMP MACRO fraction(a) AS CAST(a - trunc(a) AS DECIMAL(18, 18));
CREATE OR REPLACE TEMP MACRO times(a, b) AS
    CASE
        WHEN abs(a) < 1e18 AND abs(b) < 1e18 AND abs(CAST(a AS DOUBLE) * CAST(b AS DOUBLE)) < 1e19 THEN
            CAST(CAST(whole(a) AS DECIMAL(19, 0)) * CAST(whole(b) AS DECIMAL(19, 0)) AS DECIMAL(38, 18))
            + whole(a) * fraction(b) + fraction(a) * whole(b) + CAST(fraction(a) * fraction(b) AS DECIMAL(38, 18))
    END;

-- Azure: a row of a reservation or savings plan, and the two costs of a row by its view (pipeline.load.views).
CREATE OR REPLACE TEMP MACRO azure_committed(charge_type, pricing_model, benefit) AS
    coalesce(
        lower(charge_type) IN ('unusedreservation', 'unusedsavingsplan')
        OR replace(lower(pricing_model), ' ', '') IN ('reservation', 'savingsplan')
        OR (benefit IS NOT NULL AND (pricing_model IS NULL OR lower(charge_type) IN ('purchase', 'refund'))), false
    );
CREATE OR REPLACE TEMP MACRO azure_is_usage(charge_type) AS
    coalesce(lower(charge_type), 'usage') IN ('usage', 'unusedreservation', 'unusedsavingsplan');
CREATE OR REPLACE TEMP MACRO azure_billed(view_, cost, committed, charge_type) AS
    CASE WHEN view_ = 'joined' OR (view_ = 'amortized' AND committed AND azure_is_usage(charge_type)) THEN 0 ELSE cost END;
CREATE OR REPLACE TEMP MACRO azure_effective(view_, cost) AS CASE WHEN view_ IN ('purchase', 'covered') THEN 0 ELSE cost END;

-- A quantity out of the kept columns of a charge, as the reader took it.
CREATE OR REPLACE TEMP MACRO plain_quantity(kept, name) AS money_text(kept ->> name);
