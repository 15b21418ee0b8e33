-- charges: a month of made-up FOCUS 1.0 charges as AWS exports them.
-- A row is one charge of one hour; $rows of them over $resources resources, 30 accounts, 40 services.
-- Everything is drawn by draw(): the same rows for the same $seed, on any number of threads.

CREATE OR REPLACE TEMP MACRO draw(number, what, below) AS
    CAST(md5_number_lower(concat($seed, ':', what, ':', number)) % below AS BIGINT);

-- An account belongs to one team and one environment, and uses 12 of the services in two regions.
CREATE OR REPLACE TEMP TABLE resources AS
WITH places AS (
    SELECT n, draw(n, 'account', 30) AS account, draw(n, 'service', 12) AS own_service
    FROM range($resources) AS numbers (n)
)

SELECT
    n, account, (account * 7 + own_service) % 40 AS service,
    lpad(CAST(100000000019 + account * 7717171717 AS VARCHAR), 12, '0') AS account_id,
    ['eu-west-1', 'eu-central-1', 'us-east-1', 'us-west-2'][1 + (account + draw(n, 'region', 2)) % 4] AS region,
    md5(concat($seed, 'resource', n))[:17] AS id,
    MAP {
        'team': ['platform', 'web', 'ml', 'data', 'returns', 'tracking'][1 + account % 6],
        'env': ['prod', 'prod', 'stage', 'dev'][1 + account % 4],
        'app': 'app-' || (account * 3 + draw(n, 'app', 3)),
        'aws:createdBy': 'AssumedRole:AROA' || upper(md5(concat('role', account))[:17])
    } AS all_tags
FROM places;

CREATE OR REPLACE TEMP TABLE charges AS
WITH drawn AS (
    SELECT
        i,
        -- Few resources have many charges.
        draw(i, 'resource', $resources) * draw(i, 'resource again', $resources) // $resources AS resource,
        draw(i, 'hour', 744) AS hour,
        draw(i, 'sku', 5) AS sku,
        1 + draw(i, 'quantity', 240000) AS quantity_e4,
        draw(i, 'kind', 1000) AS kind
    FROM range($rows) AS numbers (i)
),

priced AS (
    SELECT
        d.*, r.* EXCLUDE (n),
        r.service * 5 + d.sku AS sku_number,
        100 + draw(r.service * 5 + d.sku, 'price', 900000) AS price_e6,
        d.kind < 100 AS is_covered
    FROM drawn AS d
    INNER JOIN resources AS r ON r.n = d.resource
),

costed AS (
    SELECT
        *,
        -- Quantities have 4 decimals, prices 6, so costs have 10: whole numbers of 10^-10.
        CAST(quantity_e4 * price_e6 AS DECIMAL(18, 0)) * CAST('0.0000000001' AS DECIMAL(10, 10)) AS list_cost,
        CAST(quantity_e4 * price_e6 * 62 // 100 AS DECIMAL(18, 0)) * CAST('0.0000000001' AS DECIMAL(10, 10)) AS plan_cost
    FROM priced
)

SELECT
    CAST(region || ['a', 'b', 'c'][1 + resource % 3] AS VARCHAR) AS AvailabilityZone,
    CASE WHEN is_covered THEN 0 WHEN kind = 999 THEN -list_cost ELSE list_cost END AS BilledCost,
    '100000000019' AS BillingAccountId,
    'Lumen Parcel' AS BillingAccountName,
    'USD' AS BillingCurrency,
    TIMESTAMP '2026-04-01' AS BillingPeriodEnd,
    TIMESTAMP '2026-03-01' AS BillingPeriodStart,
    CASE WHEN kind = 999 THEN 'Credit' ELSE 'Usage' END AS ChargeCategory,
    CAST(NULL AS VARCHAR) AS ChargeClass,
    concat('$', price_e6, 'e-6 per unit of SKU ', sku_number, ' in ', region) AS ChargeDescription,
    'Usage-Based' AS ChargeFrequency,
    TIMESTAMP '2026-03-01' + to_hours(hour + 1) AS ChargePeriodEnd,
    TIMESTAMP '2026-03-01' + to_hours(hour) AS ChargePeriodStart,
    CASE WHEN is_covered THEN 'Spend' END AS CommitmentDiscountCategory,
    CASE WHEN is_covered THEN 'arn:aws:savingsplans::100000000019:savingsplan/4b1f' || account % 4 END
        AS CommitmentDiscountId,
    CAST(NULL AS VARCHAR) AS CommitmentDiscountName,
    CASE WHEN is_covered THEN 'Used' END AS CommitmentDiscountStatus,
    CASE WHEN is_covered THEN 'Compute Savings Plans' END AS CommitmentDiscountType,
    CAST(quantity_e4 AS DECIMAL(18, 0)) * CAST('0.0001' AS DECIMAL(4, 4)) AS ConsumedQuantity,
    CASE WHEN sku < 3 THEN 'Hours' ELSE 'GB' END AS ConsumedUnit,
    list_cost AS ContractedCost,
    CAST(price_e6 AS DECIMAL(18, 0)) * CAST('0.000001' AS DECIMAL(6, 6)) AS ContractedUnitPrice,
    CASE WHEN is_covered THEN plan_cost WHEN kind = 999 THEN -list_cost ELSE list_cost END AS EffectiveCost,
    'Amazon Web Services, Inc.' AS InvoiceIssuerName,
    list_cost AS ListCost,
    CAST(price_e6 AS DECIMAL(18, 0)) * CAST('0.000001' AS DECIMAL(6, 6)) AS ListUnitPrice,
    CASE WHEN is_covered THEN 'Committed' ELSE 'Standard' END AS PricingCategory,
    CAST(quantity_e4 AS DECIMAL(18, 0)) * CAST('0.0001' AS DECIMAL(4, 4)) AS PricingQuantity,
    CASE WHEN sku < 3 THEN 'Hours' ELSE 'GB' END AS PricingUnit,
    'AWS' AS ProviderName,
    'AWS' AS PublisherName,
    region AS RegionId,
    region AS RegionName,
    concat('arn:aws:svc', service, ':', region, ':', account_id, ':thing/', id) AS ResourceId,
    CAST(NULL AS VARCHAR) AS ResourceName,
    'thing-' || service AS ResourceType,
    ['Compute', 'Storage', 'Databases', 'Networking', 'Analytics', 'AI and Machine Learning', 'Security', 'Other'][1 + service % 8]
        AS ServiceCategory,
    'Amazon Made-Up Service ' || service AS ServiceName,
    upper(md5(concat('sku', sku_number))[:16]) AS SkuId,
    upper(md5(concat('sku', sku_number))[:16]) || '.JRTCKXETXF.6YS6EN2CT7' AS SkuPriceId,
    account_id AS SubAccountId,
    'account-' || account AS SubAccountName,
    -- Every tenth resource has no tag but who made it, every third one also a name.
    CASE
        WHEN resource % 10 = 0 THEN MAP {'aws:createdBy': all_tags['aws:createdBy']}
        WHEN resource % 3 = 0 THEN map_concat(all_tags, MAP {'Name': 'node-' || resource})
        ELSE all_tags
    END AS Tags,
    'RunThing:000' || sku AS x_Operation,
    'MadeUp' || service AS x_ServiceCode,
    upper(region[:2]) || 'W1-Usage:' || sku_number AS x_UsageType
FROM costed;
