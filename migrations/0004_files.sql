-- Files, uploads in parts, and what an account has stored.
ALTER TABLE accounts ADD COLUMN quota_bytes INTEGER;
ALTER TABLE accounts ADD COLUMN stored_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE backends ADD COLUMN files TEXT NOT NULL DEFAULT 'url' CHECK (files IN ('url', 'inline', 'base64'));

CREATE TABLE files (
  account_id TEXT NOT NULL,
  id TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('uploading', 'ready')),
  name TEXT NOT NULL,
  content_type TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  sha256 TEXT,
  origin TEXT NOT NULL,
  upload_id TEXT,
  part_bytes INTEGER,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  PRIMARY KEY (account_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX files_expiring ON files (expires_at);

CREATE TABLE file_parts (
  account_id TEXT NOT NULL,
  file_id TEXT NOT NULL,
  number INTEGER NOT NULL,
  etag TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  PRIMARY KEY (account_id, file_id, number)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER files_added AFTER INSERT ON files
BEGIN
  UPDATE accounts SET stored_bytes = stored_bytes + NEW.bytes WHERE id = NEW.account_id;
END;
CREATE TRIGGER files_resized AFTER UPDATE OF bytes ON files WHEN NEW.bytes <> OLD.bytes
BEGIN
  UPDATE accounts SET stored_bytes = stored_bytes + NEW.bytes - OLD.bytes WHERE id = NEW.account_id;
END;
CREATE TRIGGER files_removed AFTER DELETE ON files
BEGIN
  DELETE FROM file_parts WHERE account_id = OLD.account_id AND file_id = OLD.id;
  UPDATE accounts SET stored_bytes = stored_bytes - OLD.bytes WHERE id = OLD.account_id;
END;
CREATE TRIGGER payloads_added AFTER INSERT ON inferences WHEN NEW.input_object IS NOT NULL
BEGIN
  UPDATE accounts SET stored_bytes = stored_bytes + NEW.input_bytes WHERE id = NEW.account_id;
END;
CREATE TRIGGER payloads_changed AFTER UPDATE OF input_object, output_object ON inferences
WHEN NEW.input_object IS NOT OLD.input_object OR NEW.output_object IS NOT OLD.output_object
BEGIN
  UPDATE accounts SET stored_bytes = stored_bytes
    + iif(NEW.input_object IS NULL, 0, NEW.input_bytes) + iif(NEW.output_object IS NULL, 0, NEW.output_bytes)
    - iif(OLD.input_object IS NULL, 0, OLD.input_bytes) - iif(OLD.output_object IS NULL, 0, OLD.output_bytes)
  WHERE id = NEW.account_id;
END;
CREATE TRIGGER payloads_removed AFTER DELETE ON inferences WHEN OLD.input_object IS NOT NULL OR OLD.output_object IS NOT NULL
BEGIN
  UPDATE accounts SET stored_bytes = stored_bytes
    - iif(OLD.input_object IS NULL, 0, OLD.input_bytes) - iif(OLD.output_object IS NULL, 0, OLD.output_bytes)
  WHERE id = OLD.account_id;
END;

UPDATE accounts SET stored_bytes = (
  SELECT coalesce(sum(iif(input_object IS NULL, 0, input_bytes) + iif(output_object IS NULL, 0, output_bytes)), 0)
  FROM inferences WHERE inferences.account_id = accounts.id);
