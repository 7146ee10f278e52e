-- Has failed: since the last redrive, as everything else of an attempt's count.
DROP INDEX inferences_by_account;
ALTER TABLE inferences DROP COLUMN has_failed;
ALTER TABLE inferences ADD COLUMN has_failed INTEGER GENERATED ALWAYS AS (attempt - attempts_before > unreached) VIRTUAL;
CREATE INDEX inferences_by_account ON inferences (model, version, account_id, has_failed, level, turn) WHERE status = 'queued' AND not_before IS NULL;
