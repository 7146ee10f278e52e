-- A submit to a short queue writes nothing into inferences_by_account: what is not there is among the first 250 of its lane.
-- What waits now stays there.
DROP INDEX inferences_by_account;
DROP INDEX inferences_claimable;
ALTER TABLE inferences ADD COLUMN by_account INTEGER NOT NULL DEFAULT 1;
CREATE INDEX inferences_claimable ON inferences (model, version, level, turn, id, status, not_before, by_account) WHERE status = 'queued' AND not_before IS NULL;
CREATE INDEX inferences_by_account ON inferences (model, version, account_id, has_failed, level, turn)
  WHERE status = 'queued' AND not_before IS NULL AND by_account = 1;
CREATE TRIGGER inferences_pushed AFTER UPDATE OF turn ON inferences WHEN NEW.status = 'queued' AND NEW.not_before IS NULL
BEGIN
  UPDATE inferences SET by_account = 1 WHERE by_account = 0 AND (account_id, id) = (
    SELECT account_id, id FROM inferences AS early INDEXED BY inferences_claimable
    WHERE early.status = 'queued' AND early.not_before IS NULL AND early.model = NEW.model AND early.version = NEW.version
    ORDER BY level, turn, id LIMIT 1 OFFSET 250);
END;
