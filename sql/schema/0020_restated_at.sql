-- Restatements are only ever added: content that comes back restates again, and both moments stay.

ALTER TABLE restatements ADD COLUMN restated_at TIMESTAMP;
UPDATE restatements SET restated_at = l.loaded_at FROM loads AS l WHERE l.load_id = restatements.load_id;

COMMENT ON COLUMN restatements.restated_at IS 'When the load brought the change (UTC); the same contents may bring one more than once';
