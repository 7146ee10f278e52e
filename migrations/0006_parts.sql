-- Outputs of several parts.
ALTER TABLE inferences ADD COLUMN output_parts TEXT;
ALTER TABLE inferences ADD COLUMN parts_bytes INTEGER NOT NULL DEFAULT 0;
DROP TRIGGER payloads_changed;
DROP TRIGGER payloads_removed;
CREATE TRIGGER payloads_changed AFTER UPDATE OF input_object, output_object, parts_bytes ON inferences
WHEN NEW.input_object IS NOT OLD.input_object OR NEW.output_object IS NOT OLD.output_object OR NEW.parts_bytes <> OLD.parts_bytes
BEGIN
  UPDATE accounts SET stored_bytes = stored_bytes
    + iif(NEW.input_object IS NULL, 0, NEW.input_bytes) + iif(NEW.output_object IS NULL, 0, NEW.output_bytes) + NEW.parts_bytes
    - iif(OLD.input_object IS NULL, 0, OLD.input_bytes) - iif(OLD.output_object IS NULL, 0, OLD.output_bytes) - OLD.parts_bytes
  WHERE id = NEW.account_id;
END;
CREATE TRIGGER payloads_removed AFTER DELETE ON inferences WHEN OLD.input_object IS NOT NULL OR OLD.output_object IS NOT NULL OR OLD.parts_bytes > 0
BEGIN
  UPDATE accounts SET stored_bytes = stored_bytes
    - iif(OLD.input_object IS NULL, 0, OLD.input_bytes) - iif(OLD.output_object IS NULL, 0, OLD.output_bytes) - OLD.parts_bytes
  WHERE id = OLD.account_id;
END;
