-- What of an account's bytes lies in the database has a quota of its own: a database can't grow beyond 10 GB.
ALTER TABLE accounts ADD COLUMN database_quota_bytes INTEGER;
ALTER TABLE accounts ADD COLUMN database_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE inferences ADD COLUMN row_bytes INTEGER GENERATED ALWAYS AS (
  max(2048, coalesce(octet_length(input), 0) + coalesce(octet_length(output), 0) + octet_length(metadata))
) VIRTUAL;
DROP TRIGGER files_added;
DROP TRIGGER files_removed;
DROP TRIGGER inferences_charged;
DROP TRIGGER inferences_resized;
CREATE TRIGGER files_added AFTER INSERT ON files
BEGIN
  UPDATE accounts SET stored_bytes = stored_bytes + max(NEW.bytes, 8192), database_bytes = database_bytes + 2048 WHERE id = NEW.account_id;
END;
CREATE TRIGGER files_removed AFTER DELETE ON files
BEGIN
  DELETE FROM file_parts WHERE account_id = OLD.account_id AND file_id = OLD.id;
  UPDATE accounts SET stored_bytes = stored_bytes - max(OLD.bytes, 8192), database_bytes = database_bytes - 2048 WHERE id = OLD.account_id;
END;
CREATE TRIGGER inferences_charged AFTER INSERT ON inferences
BEGIN
  UPDATE accounts SET stored_bytes = stored_bytes + NEW.charged_bytes, database_bytes = database_bytes + NEW.row_bytes,
    open_at_most = open_at_most + 1 WHERE id = NEW.account_id;
END;
CREATE TRIGGER inferences_resized AFTER UPDATE OF input, output, output_bytes, parts_bytes, data_removed_at ON inferences
WHEN NEW.charged_bytes <> OLD.charged_bytes OR NEW.row_bytes <> OLD.row_bytes
BEGIN
  UPDATE accounts SET stored_bytes = stored_bytes + NEW.charged_bytes - OLD.charged_bytes,
    database_bytes = database_bytes + NEW.row_bytes - OLD.row_bytes WHERE id = NEW.account_id;
END;
UPDATE accounts SET
  database_bytes = (SELECT count(*) * 2048 FROM files WHERE files.account_id = accounts.id)
    + (SELECT coalesce(sum(row_bytes), 0) FROM inferences WHERE inferences.account_id = accounts.id);
