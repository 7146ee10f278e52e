-- What waits now keeps its entry in the index: it has no note.
ALTER TABLE inferences ADD COLUMN noted INTEGER NOT NULL DEFAULT 0;
DROP INDEX inferences_due;
CREATE INDEX inferences_due ON inferences (due_at) WHERE due_at IS NOT NULL AND (lease_until IS NULL OR cancel_at IS NOT NULL) AND (noted = 0 OR attempt > 0);

-- Most inferences begin long before they are due, so those of a busy account have no entry in inferences_due: one note stands for
-- all whose ids begin so and that are due equally long after their submit. An insert marks a row as noted only if it finds the note.
CREATE TABLE due_notes (
  due_at INTEGER NOT NULL,               -- none of them is due before
  account_id TEXT NOT NULL,
  ids TEXT NOT NULL,                     -- how their ids begin
  after_ms INTEGER NOT NULL,             -- how long after its submit each of them is due
  seen TEXT NOT NULL,                    -- those up to this id have been looked at; it stands for none of them any more
  PRIMARY KEY (due_at, account_id, ids)
) STRICT, WITHOUT ROWID;
-- A note ends, as a whole or up to an id, and what still waits is in the index in the same transaction: no row can lose both.
CREATE TRIGGER due_notes_seen AFTER UPDATE OF seen ON due_notes
BEGIN
  UPDATE inferences SET noted = 0 WHERE account_id = NEW.account_id AND id > OLD.seen AND id <= NEW.seen
    AND status = 'queued' AND attempt = 0 AND due_at - created_at <= NEW.after_ms AND noted = 1;
END;
CREATE TRIGGER due_notes_removed AFTER DELETE ON due_notes
BEGIN
  UPDATE inferences SET noted = 0 WHERE account_id = OLD.account_id AND id > OLD.seen AND id < OLD.ids || '~'
    AND status = 'queued' AND attempt = 0 AND due_at - created_at <= OLD.after_ms AND noted = 1;
END;
