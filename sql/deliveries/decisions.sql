-- decisions: what was decided about a delivery ($load_id), for `costmill deliveries show`.
-- A row is one decision, the latest first.

SELECT decision, decided_at, decided_by, note FROM decisions WHERE load_id = $load_id ORDER BY decided_at DESC
