-- What a row of an OCI cost report leaves out and the others tell: the currency of a row that costs nothing.
-- Such a row takes the only currency of its file, or, in a file that names none, the delivery's only one
-- (x_CurrencyFilled). A row with neither cost nor price costs nothing (x_CostFilled). Anything else that is missing is
-- rejected: money without a currency, a currency with nothing to choose from, a price without its cost.

WITH given AS (
    SELECT DISTINCT x_File, cost_currency_code AS currency
    FROM staged_as_read
    WHERE cost_currency_code IS NOT NULL
),

files AS (
    SELECT x_File, min(currency) AS currency, count(*) AS currencies
    FROM given
    GROUP BY x_File
),

deliveries AS (
    SELECT min(currency) AS currency, count(DISTINCT currency) AS currencies
    FROM given
),

costed AS (
    SELECT
        r.*,
        CASE
            WHEN r.cost_my_cost IS NOT NULL THEN r.cost_my_cost
            WHEN r.cost_as_written IS NULL
                AND (coalesce(r.cost_unit_price, 0) = 0 OR coalesce(r.usage_billed_quantity, 0) = 0) THEN 0
        END AS cost,
        coalesce(f.currencies, d.currencies) AS currencies,
        coalesce(f.currency, d.currency) AS only_currency
    FROM staged_as_read AS r
    CROSS JOIN deliveries AS d
    LEFT JOIN files AS f ON f.x_File = r.x_File
),

filled AS (
    SELECT
        *,
        coalesce(cost_currency_code, CASE WHEN currencies = 1 AND cost = 0 THEN only_currency END) AS currency,
        CASE
            WHEN cost_as_written IS NOT NULL AND cost IS NULL
                THEN 'is no number of at most 20 digits before the point (digits, sign, point and exponent only)'
            WHEN cost IS NULL THEN 'is empty, and the row has a price and a quantity'
        END AS cost_problem,
        CASE
            WHEN cost <> 0 THEN 'is empty on a row that costs something'
            WHEN currencies > 1 THEN 'is empty, and the file names ' || currencies || ' currencies'
            ELSE 'is empty, and the file names no currency'
        END AS currency_problem
    FROM costed
)

SELECT
    * EXCLUDE (cost, currencies, only_currency, currency, cost_problem, currency_problem) REPLACE (
        cost AS cost_my_cost,
        currency AS cost_currency_code,
        CASE
            WHEN x_Problem IS NOT NULL THEN x_Problem
            WHEN cost_problem IS NOT NULL
                THEN concat('cost/myCost', chr(31), left(cost_as_written, 200), chr(31), cost_problem)
            WHEN currency IS NULL THEN concat('cost/currencyCode', chr(31), chr(31), currency_problem)
        END AS x_Problem
    ),
    cost_currency_code IS NULL AS x_CurrencyFilled,
    cost_my_cost IS NULL AS x_CostFilled
FROM filled
