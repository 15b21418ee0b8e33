-- azure_cost_lines: the lines of Azure cost details with what their mapping needs more than once.
-- A row is one line that becomes a charge: its kind, the keys of the lookups, quantity and prices in the billing currency.
-- contracted, listed and listed_price are costs at the file's prices, NULL where it has none (a price of 0 beside a cost).

WITH parts AS (
    SELECT
        s.*,
        coalesce(lower(s.ChargeType), 'usage') AS kind,
        lower(replace(s.ConsumedService, ' ', '')) AS service,
        lower(replace(coalesce(s.ResourceLocation, s.Location), ' ', '')) AS place,
        CASE WHEN contains(lower(s.ResourceId), '/providers/') THEN
            string_split(list_last(string_split(lower(s.ResourceId), '/providers/')), '/') END AS path,
        s.PricingCurrency IS NOT NULL OR s.ExchangeRatePricingToBilling IS NOT NULL AS is_mca,
        coalesce(s.ExchangeRatePricingToBilling, 1) AS rate,
        coalesce(s.BenefitId, s.ReservationId) AS commitment,
        units.PricingUnit,
        CAST(units.PricingBlockSize AS DECIMAL(38, 18)) AS block,
        CAST(coalesce(units.PerUnit, '1') AS DECIMAL(38, 18)) AS per_unit,
        length(units.PerUnit) = 20 AS is_endless
    FROM staged AS s
    LEFT JOIN azure_units AS units
        ON units.UnitOfMeasure = lower(replace(replace(s.UnitOfMeasure, ' ', ''), chr(160), ''))
    WHERE s.x_Problem IS NULL AND s.x_View <> 'covered'
),

lines AS (
    SELECT
        p.*,
        CASE WHEN p.path IS NULL THEN lower(replace(p.ResourceType, ' ', ''))
            ELSE concat_ws('/', p.path[1], p.path[2], p.path[4], p.path[6], p.path[8]) END AS type_key,
        CASE WHEN p.x_Committed THEN coalesce(contains(lower(p.commitment), '/microsoft.billingbenefits/'), false)
            OR coalesce(lower(p.PricingModel) LIKE 'savings%plan', false) OR p.kind = 'unusedsavingsplan' END AS is_plan,
        CASE WHEN p.per_unit = 1 THEN p.Quantity ELSE times(p.Quantity, p.per_unit) END AS blocks,
        CASE WHEN p.rate = 1 THEN p.UnitPrice ELSE times(p.UnitPrice, p.rate) END AS unit_price,
        CASE WHEN p.rate = 1 THEN p.PayGPrice ELSE times(p.PayGPrice, p.rate) END AS list_price
    FROM parts AS p
),

-- One part in 30 or 744 has no end: what the first product leaves of the quantity is divided once more.
remainders AS (
    SELECT *, CASE WHEN is_endless THEN Quantity - times(blocks, block) END AS remainder FROM lines
),

quantities AS (
    SELECT *, blocks + CASE WHEN remainder <> 0 THEN times(remainder, per_unit) ELSE 0 END AS priced_quantity FROM remainders
)

SELECT
    *,
    CASE WHEN unit_price <> 0 OR CostInBillingCurrency = 0 THEN times(priced_quantity, unit_price) END AS contracted,
    CASE WHEN PaygCostInBillingCurrency <> 0 OR CostInBillingCurrency = 0 THEN PaygCostInBillingCurrency END AS listed,
    CASE WHEN list_price <> 0 OR CostInBillingCurrency = 0 THEN times(priced_quantity, list_price) END AS listed_price
FROM quantities
