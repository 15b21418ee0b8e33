-- comparison: what the gate measured of a delivery ($load_id) beside what was loaded, for `costmill deliveries show`.
-- A row is one measure, of one currency where it is money; `gone` names the days and accounts that it lacks.

SELECT
    m.measure, m.BillingCurrency AS currency, m.loaded, m.delivered, m.delivered - m.loaded AS change, m.allowed,
    m.finding,
    (SELECT string_agg(g.member, ', ' ORDER BY g.member) FROM load_members AS g
        WHERE g.load_id = m.load_id AND g.measure = m.measure AND g.is_gone) AS gone
FROM load_measures AS m
WHERE m.load_id = $load_id
ORDER BY
    currency NULLS FIRST,
    list_position(['rows', 'days', 'accounts', 'BilledCost', 'EffectiveCost', 'ListCost', 'ContractedCost'], m.measure)
