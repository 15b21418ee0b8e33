-- entries: one row per selected charge, as a CostEntry, in the order of time and id.
-- A billed charge's id is the md5 of what the bill says of it and a number among equal charges: the same after every
-- load and in every order of rows, for as long as the bill says the same.

WITH hashed AS (
    SELECT
        *,
        md5(concat_ws(
            chr(31), x_Source, x_BillingPeriod, CAST(x_ResourceKey AS VARCHAR),
            coalesce(CAST(x_TagSetId AS VARCHAR), chr(30)), coalesce(x_CostCategory, chr(30)),
            coalesce(x_LineItemType, chr(30)), coalesce(CAST(ChargePeriodStart AS VARCHAR), chr(30)),
            coalesce(CAST(ChargePeriodEnd AS VARCHAR), chr(30)), coalesce(CAST(BilledCost AS VARCHAR), chr(30)),
            coalesce(CAST(EffectiveCost AS VARCHAR), chr(30)), coalesce(CAST(ListCost AS VARCHAR), chr(30)),
            coalesce(CAST(ContractedCost AS VARCHAR), chr(30)), coalesce(CAST(ConsumedQuantity AS VARCHAR), chr(30)),
            coalesce(CAST(PricingQuantity AS VARCHAR), chr(30)), coalesce(BillingCurrency, chr(30)),
            coalesce(BillingAccountId, chr(30)), coalesce(ServiceName, chr(30)), coalesce(ChargeCategory, chr(30)),
            coalesce(ChargeClass, chr(30)), coalesce(ChargeDescription, chr(30)), coalesce(SkuId, chr(30)),
            coalesce(SkuPriceId, chr(30)), coalesce(InvoiceId, chr(30))
        )) AS content
    FROM selected
)

SELECT
    coalesce(
        h.x_RecordId,
        'billed-' || h.content || '-' || CAST(row_number() OVER (PARTITION BY h.content) AS VARCHAR)
    ) AS id,
    coalesce(h.BilledCost, 0) AS amount,
    coalesce(h.x_CostCategory, 'other') AS category,
    coalesce(h.ChargeDescription, '') AS description,
    coalesce(r.ResourceId, '') AS resource_id,
    h.ChargePeriodStart AS timestamp,
    coalesce(t.Tags, '{}') AS tags,
    e.Metadata AS metadata,
    coalesce(h.BillingCurrency, 'XXX') AS currency,
    h.x_Source,
    h.ServiceName,
    h.ChargeCategory
FROM hashed AS h
LEFT JOIN resources AS r ON r.x_ResourceKey = h.x_ResourceKey
LEFT JOIN tag_sets AS t ON t.x_TagSetId = h.x_TagSetId
LEFT JOIN recorded_entries AS e ON e.x_RecordId = h.x_RecordId
ORDER BY timestamp, id
