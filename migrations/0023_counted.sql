-- Inferences that are inserted together are counted as their accounts' once for each account.
ALTER TABLE inferences ADD COLUMN counted INTEGER NOT NULL DEFAULT 0;
DROP TRIGGER inferences_charged;
CREATE TRIGGER inferences_charged AFTER INSERT ON inferences WHEN NEW.counted = 0
BEGIN
  UPDATE accounts SET stored_bytes = stored_bytes + NEW.charged_bytes, database_bytes = database_bytes + NEW.row_bytes,
    open_at_most = open_at_most + 1 WHERE id = NEW.account_id;
END;
