-- Batches: files whose lines are inferences; what a file is for, as OpenAI's clients say it.
ALTER TABLE inferences ADD COLUMN batch_id TEXT;
ALTER TABLE inferences ADD COLUMN batch_line INTEGER;
ALTER TABLE files ADD COLUMN purpose TEXT NOT NULL DEFAULT '';
CREATE TABLE batches (
  account_id TEXT NOT NULL,
  id TEXT NOT NULL,                      -- UUID version 7: sorts by age
  key_id TEXT NOT NULL,
  endpoint TEXT NOT NULL,                -- that each line asks
  input_file_id TEXT NOT NULL,
  input_bytes INTEGER NOT NULL,          -- of that file
  completion_window TEXT NOT NULL,       -- as it was asked for
  metadata TEXT,                         -- JSON object of strings, the client's; NULL = none
  output_seconds INTEGER,                -- how long after created_at its files are kept; NULL = as long as the account's others
  origin TEXT NOT NULL,                  -- of its files
  idempotency_key TEXT,
  fingerprint TEXT,                      -- of the request, to tell a replay from another use of the key
  status TEXT NOT NULL CHECK (status IN ('validating', 'failed', 'in_progress', 'finalizing', 'completed', 'expired', 'cancelling', 'cancelled')),
  ends_as TEXT NOT NULL DEFAULT 'completed' CHECK (ends_as IN ('completed', 'expired', 'cancelled')),
  phase TEXT CHECK (phase IN ('check', 'submit', 'run', 'stop', 'write', 'clear')),  -- what the next step does; NULL = it removes the row
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,           -- what has not ended by then is canceled
  in_progress_at INTEGER,                -- when its lines were found right; NULL = not yet
  cancelling_at INTEGER,
  finalizing_at INTEGER,
  ended_at INTEGER,
  total INTEGER NOT NULL DEFAULT 0,      -- lines
  placed INTEGER NOT NULL DEFAULT 0,     -- of them, those up to position, submitted or refused
  completed INTEGER NOT NULL DEFAULT 0,  -- of them, those that succeeded; both counts are kept by the trigger below
  failed INTEGER NOT NULL DEFAULT 0,     -- of them, those that were refused or ended otherwise
  position INTEGER NOT NULL DEFAULT 0,   -- bytes of the input that the phase is through with
  line INTEGER NOT NULL DEFAULT 0,       -- lines of it
  output_file_id TEXT,                   -- of its files, from when they are written; shown once it has ended
  error_file_id TEXT,
  writing TEXT,                          -- JSON: how far 'stop' and 'write' have come
  step INTEGER NOT NULL DEFAULT 0,       -- of the last step that was begun: the fence of all that it writes
  due_at INTEGER NOT NULL,               -- when the next step may begin; while one is under way, when it is taken for dead
  errors TEXT NOT NULL DEFAULT '[]',     -- JSON array of what is wrong with the input
  digests TEXT NOT NULL DEFAULT '',      -- of the lines' custom_ids so far, while they are checked
  -- What it counts as in its account's database_bytes: 2 KiB, and what grows in steps of as much.
  row_bytes INTEGER GENERATED ALWAYS AS (
    2048 + (octet_length(digests) + octet_length(errors) + coalesce(octet_length(metadata), 0) + coalesce(octet_length(writing), 0)) / 2048 * 2048
  ) VIRTUAL,
  PRIMARY KEY (account_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX batches_due ON batches (due_at);
CREATE INDEX batches_open ON batches (account_id, id) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX batches_idempotent ON batches (account_id, idempotency_key) WHERE idempotency_key IS NOT NULL;

-- Lines that no inference was made of, and those whose output can't stand in a file, until the batch's files are written.
CREATE TABLE batch_refusals (
  account_id TEXT NOT NULL,
  batch_id TEXT NOT NULL,
  line INTEGER NOT NULL,
  custom_id TEXT NOT NULL,
  answer TEXT NOT NULL,                  -- JSON: status and body
  PRIMARY KEY (account_id, batch_id, line)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER batches_added AFTER INSERT ON batches
BEGIN
  UPDATE accounts SET database_bytes = database_bytes + NEW.row_bytes WHERE id = NEW.account_id;
END;
CREATE TRIGGER batches_resized AFTER UPDATE OF digests, errors, writing ON batches WHEN NEW.row_bytes <> OLD.row_bytes
BEGIN
  UPDATE accounts SET database_bytes = database_bytes + NEW.row_bytes - OLD.row_bytes WHERE id = NEW.account_id;
END;
CREATE TRIGGER batches_removed AFTER DELETE ON batches
BEGIN
  UPDATE accounts SET database_bytes = database_bytes - OLD.row_bytes WHERE id = OLD.account_id;
END;
CREATE TRIGGER batch_refusals_added AFTER INSERT ON batch_refusals
BEGIN
  UPDATE accounts SET database_bytes = database_bytes + 1024 WHERE id = NEW.account_id;
END;
CREATE TRIGGER batch_refusals_removed AFTER DELETE ON batch_refusals
BEGIN
  UPDATE accounts SET database_bytes = database_bytes - 1024 WHERE id = OLD.account_id;
END;

-- One inference to a line.
CREATE UNIQUE INDEX inferences_of_batch ON inferences (account_id, batch_id, batch_line) WHERE batch_id IS NOT NULL;
-- A batch's counts, in the transaction of whatever ends one of its inferences or redrives it, until its files are written: so a poll of it
-- reads one row. The last end makes its next step due. It is on finished_at for the same reason as inferences_used.
CREATE TRIGGER inferences_batched AFTER UPDATE OF finished_at ON inferences
WHEN NEW.batch_id IS NOT NULL AND (NEW.finished_at IS NULL) <> (OLD.finished_at IS NULL)
BEGIN
  UPDATE batches SET completed = completed + (NEW.status = 'succeeded'),
    failed = failed + (NEW.status IN ('failed', 'canceled', 'expired')) - (OLD.status IN ('failed', 'expired')),
    due_at = iif(phase = 'run' AND completed + failed + (NEW.finished_at IS NOT NULL) >= total, min(due_at, NEW.updated_at), due_at)
  WHERE account_id = NEW.account_id AND id = NEW.batch_id AND phase IN ('submit', 'run', 'stop');
END;
