-- A file counts as at least 8 KiB of what its account stores, since its row takes room too.
DROP TRIGGER files_added;
DROP TRIGGER files_resized;
DROP TRIGGER files_removed;
CREATE TRIGGER files_added AFTER INSERT ON files
BEGIN
  UPDATE accounts SET stored_bytes = stored_bytes + max(NEW.bytes, 8192) WHERE id = NEW.account_id;
END;
CREATE TRIGGER files_resized AFTER UPDATE OF bytes ON files WHEN NEW.bytes <> OLD.bytes
BEGIN
  UPDATE accounts SET stored_bytes = stored_bytes + max(NEW.bytes, 8192) - max(OLD.bytes, 8192) WHERE id = NEW.account_id;
END;
CREATE TRIGGER files_removed AFTER DELETE ON files
BEGIN
  DELETE FROM file_parts WHERE account_id = OLD.account_id AND file_id = OLD.id;
  UPDATE accounts SET stored_bytes = stored_bytes - max(OLD.bytes, 8192) WHERE id = OLD.account_id;
END;
UPDATE accounts SET stored_bytes = stored_bytes
  + (SELECT coalesce(sum(8192 - bytes), 0) FROM files WHERE files.account_id = accounts.id AND files.bytes < 8192);
