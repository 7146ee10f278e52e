-- What an inference takes is counted wherever it lies, in its row or in R2, with a least amount for its row; and how many
-- inferences of an account are open at most.
DROP TRIGGER payloads_added;
DROP TRIGGER payloads_changed;
DROP TRIGGER payloads_removed;
ALTER TABLE accounts ADD COLUMN open_limit INTEGER;
ALTER TABLE accounts ADD COLUMN open_at_most INTEGER NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN open_counted_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE inferences ADD COLUMN charged_bytes INTEGER GENERATED ALWAYS AS (
  max(8192, iif(data_removed_at IS NULL, input_bytes + coalesce(output_bytes, 0) + parts_bytes, 0) + length(CAST(metadata AS BLOB)) - 2)
) VIRTUAL;
CREATE TRIGGER inferences_charged AFTER INSERT ON inferences
BEGIN
  UPDATE accounts SET stored_bytes = stored_bytes + NEW.charged_bytes, open_at_most = open_at_most + 1 WHERE id = NEW.account_id;
END;
CREATE TRIGGER inferences_resized AFTER UPDATE OF output_bytes, parts_bytes, data_removed_at ON inferences
WHEN NEW.charged_bytes <> OLD.charged_bytes
BEGIN
  UPDATE accounts SET stored_bytes = stored_bytes + NEW.charged_bytes - OLD.charged_bytes WHERE id = NEW.account_id;
END;
UPDATE accounts SET
  stored_bytes = (SELECT coalesce(sum(max(bytes, 8192)), 0) FROM files WHERE files.account_id = accounts.id)
    + (SELECT coalesce(sum(charged_bytes), 0) FROM inferences WHERE inferences.account_id = accounts.id),
  open_at_most = (SELECT count(*) FROM inferences WHERE inferences.account_id = accounts.id AND status IN ('queued', 'in_progress'));
