-- recorded_entries: what recorded entries have beyond their charge, a tenant's.

SELECT e.*
FROM recorded_entries AS e
WHERE e.x_RecordId IN (SELECT x_RecordId FROM tenant_file.charges WHERE x_Origin = 'recorded')
