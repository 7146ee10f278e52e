-- What waits and what runs is counted in the indexes alone, without a look at the rows.
DROP INDEX inferences_claimable;
CREATE INDEX inferences_claimable ON inferences (model, version, level, turn, id, status, not_before) WHERE status = 'queued' AND not_before IS NULL;
DROP INDEX inferences_running;
CREATE INDEX inferences_running ON inferences (backend_id, lease_until) WHERE lease_until IS NOT NULL;
