-- Whose failures opened a circuit, and what goes first while it is half open.
ALTER TABLE backends ADD COLUMN failures_of TEXT;
ALTER TABLE inferences ADD COLUMN has_failed INTEGER GENERATED ALWAYS AS (attempt > unreached) VIRTUAL;
DROP INDEX inferences_by_account;
CREATE INDEX inferences_by_account ON inferences (model, version, account_id, has_failed, level, turn) WHERE status = 'queued' AND not_before IS NULL;
