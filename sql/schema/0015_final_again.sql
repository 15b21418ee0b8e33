-- A billing period that was restated after it was final may come back to what it was: then it is final again.

ALTER TABLE period_states ADD COLUMN final_hash VARCHAR;
UPDATE period_states SET final_hash = costs_hash WHERE state = 'final';

COMMENT ON COLUMN period_states.final_hash IS 'costs_hash when it became final; NULL while open';
COMMENT ON TABLE runs IS 'One row per run of the command that changed something or broke off; ended_at is NULL while it runs or when it was killed. Times UTC';
