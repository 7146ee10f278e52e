-- The whole schema of a new database, meant to be read. `migrations/` brings an older one here; a test holds the two
-- equal. Times are integer ms since 1970 by the database's own clock and end in _at (deadlines: _by, _before, _until).

-- The tenant. A removed account keeps its rows until their retention is over; its keys are dead at once.
CREATE TABLE accounts (
  id TEXT NOT NULL PRIMARY KEY,          -- 12 base62 characters; every key id begins with it
  name TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  removed_at INTEGER,
  quota_bytes INTEGER,                   -- how much it may store; NULL = the default
  stored_bytes INTEGER NOT NULL DEFAULT 0,  -- what it stores, rows included; kept by the triggers below, and by what removes inferences
  retention_seconds INTEGER NOT NULL DEFAULT 604800,  -- how long its inferences are kept after their end
  open_limit INTEGER,                    -- how many of its inferences may be open; NULL = the default
  open_at_most INTEGER NOT NULL DEFAULT 0,      -- never less than are open: those at the last count and all submits since
  open_counted_at INTEGER NOT NULL DEFAULT 0,   -- of that count, made when the limit is reached or the key asks for its account
  database_quota_bytes INTEGER,          -- how much of that may lie in this database; NULL = the deployment's default
  database_bytes INTEGER NOT NULL DEFAULT 0,    -- what of that lies in this database; kept as stored_bytes is
  watched_until INTEGER,                 -- somebody may watch all of its inferences until then
  watch_objects INTEGER NOT NULL DEFAULT 0,     -- at which of its watch objects: bit n for the n-th
  budget_micros INTEGER,                 -- what its inferences may cost in a month (UTC), in millionths; NULL = anything
  warn_micros INTEGER,                   -- it is warned from so much on; NULL = never
  budget_state TEXT NOT NULL DEFAULT 'ok' CHECK (budget_state IN ('ok', 'warned', 'spent'))   -- as the sweep found it at its last look
) STRICT, WITHOUT ROWID;
-- The order in which they are listed; their ids are random.
CREATE INDEX accounts_by_age ON accounts (created_at, id);

CREATE TABLE keys (
  account_id TEXT NOT NULL REFERENCES accounts (id),
  id TEXT NOT NULL,                      -- account id + 6 base62 characters
  name TEXT NOT NULL,
  digest TEXT NOT NULL,                  -- SHA-256 of the key's text, hex; the text itself is nowhere
  scopes TEXT NOT NULL,                  -- JSON array of submit, read, cancel
  limits TEXT NOT NULL,                  -- JSON object: requests a second by scope; absent = default
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  revoked_at INTEGER,
  last_used_at INTEGER,                  -- to the minute
  PRIMARY KEY (account_id, id)
) STRICT, WITHOUT ROWID;
-- The order in which they are listed; their ids are random.
CREATE INDEX keys_by_age ON keys (account_id, created_at, id);

-- What clients ask for.
CREATE TABLE models (
  name TEXT NOT NULL PRIMARY KEY,
  description TEXT NOT NULL,
  versions TEXT NOT NULL,                -- JSON array of names; empty = the model has no versions
  default_version TEXT NOT NULL,         -- one of versions, or '' where there are none
  account_concurrency INTEGER,           -- how many of one account's inferences may run at once; NULL = as many as there are slots
  created_at INTEGER NOT NULL,
  capabilities TEXT NOT NULL DEFAULT '[]',  -- JSON array of what may be asked of it, such as text-to-image; empty = anything
  output_files TEXT NOT NULL DEFAULT '[]',  -- JSON array of the fields of its outputs that are kept as files: field, encoding, contentType
  max_output_bytes INTEGER,              -- of an output, as it comes out decoded; NULL = the default
  schemas_revision INTEGER NOT NULL DEFAULT 0,  -- another one after each change of what submits are checked against; 0 = nothing
  schemas TEXT NOT NULL DEFAULT '{}',    -- JSON object by version ('*' = all others): inputSchema, inputs, outputs
  second_micros REAL NOT NULL DEFAULT 0,    -- its price, in millionths: of a second of an attempt,
  token_micros REAL NOT NULL DEFAULT 0,     -- of a token in or out,
  inference_micros REAL NOT NULL DEFAULT 0  -- of a success
) STRICT, WITHOUT ROWID;

-- One GPU server for one version of a model.
CREATE TABLE backends (
  model TEXT NOT NULL REFERENCES models (name),
  version TEXT NOT NULL,                 -- one of the model's versions, or ''
  id TEXT NOT NULL,
  url TEXT NOT NULL,
  protocol TEXT NOT NULL CHECK (protocol IN ('oip', 'openai', 'http', 'cog')),
  remote_model TEXT NOT NULL,            -- the model's name over there
  credential TEXT,                       -- JSON: kind and the name of a secret of the deployment, never the secret
  state TEXT NOT NULL CHECK (state IN ('active', 'draining', 'paused')),
  max_concurrency INTEGER NOT NULL,
  timeout_seconds INTEGER NOT NULL,      -- of one attempt
  created_at INTEGER NOT NULL,
  failures INTEGER NOT NULL DEFAULT 0,   -- in a row; enough of them open the circuit
  blamed TEXT,                           -- the inference of the last failure that may have been its own doing
  rested_until INTEGER,                  -- gets nothing until then; after that, with an open circuit, one probe at a time
  probe_at INTEGER,                      -- when its health is asked for next; NULL = it is not in doubt
  mean_run_ms INTEGER,                   -- of its recent successes, from a sample of them
  files TEXT NOT NULL DEFAULT 'url' CHECK (files IN ('url', 'inline', 'base64')),   -- how it gets the files that an input refers to
  failing_since INTEGER,                 -- when its failures in a row began
  last_error TEXT,                       -- JSON: class, code, message and time of what went wrong there last
  witnesses TEXT,                        -- JSON: when inferences of an account last succeeded there, of the latest accounts
  ready_path TEXT,                       -- what its readiness is asked at; NULL = as its protocol has it
  failures_of TEXT,                      -- the one account whose failures those are, to which alone its circuit opens; NULL = to all
  PRIMARY KEY (model, version, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX backends_by_id ON backends (id);
CREATE INDEX backends_in_doubt ON backends (probe_at) WHERE probe_at IS NOT NULL;

-- One row is one inference: the truth about it, whatever messages say. Its key begins with the account, so nobody can
-- so much as name another account's row.
CREATE TABLE inferences (
  account_id TEXT NOT NULL,
  id TEXT NOT NULL,                      -- UUID version 7: sorts by age
  key_id TEXT NOT NULL,
  dialect TEXT NOT NULL,                 -- the wire it was submitted by
  model TEXT NOT NULL,
  version TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('queued', 'in_progress', 'succeeded', 'failed', 'canceled', 'expired')),

  priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 2),   -- as asked; 0 is soonest
  level INTEGER NOT NULL,                -- the priority as it counts now: waiting lowers it, so that nothing starves
  turn INTEGER NOT NULL,                 -- fair queueing among accounts: the round in which its account's turn comes
  idempotency_key TEXT,                  -- of the submit; unique within the account for a day
  fingerprint TEXT,                      -- of the submit's body, to tell a replay from another use of the key
  max_time_in_queue_seconds INTEGER NOT NULL,
  max_attempts INTEGER NOT NULL,         -- counted since the submit or the last redrive
  initial_delay_ms INTEGER NOT NULL,
  max_delay_ms INTEGER NOT NULL,
  run_within_seconds INTEGER,            -- of one attempt; NULL = the backend's timeout
  metadata TEXT NOT NULL,                -- JSON object of strings, the client's

  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  start_by INTEGER NOT NULL,             -- queued until then at most; moved on while an attempt runs or backs off
  not_before INTEGER,                    -- backing off until then; NULL = claimable as soon as it is queued
  ages_at INTEGER,                       -- when its level falls by one
  cancel_at INTEGER,                     -- when it is cancelled unless it has ended, as asked at submit
  first_started_at INTEGER,
  started_at INTEGER,                    -- of the latest attempt
  finished_at INTEGER,
  run_ms INTEGER NOT NULL DEFAULT 0,     -- spent in ended attempts

  attempt INTEGER NOT NULL DEFAULT 0,    -- attempts begun: with lease, the fence of every write on a running row
  attempts_before INTEGER NOT NULL DEFAULT 0,   -- of them, those before the last redrive
  takedowns INTEGER NOT NULL DEFAULT 0,  -- attempts that took a healthy backend down
  backend_id TEXT,                       -- of the latest attempt
  lease TEXT,                            -- the runner that holds it
  lease_until INTEGER,

  input TEXT,                            -- JSON text when small, else NULL and input_object is set
  input_object TEXT,                     -- key in R2
  input_bytes INTEGER NOT NULL,
  input_items INTEGER NOT NULL,
  output TEXT,
  output_object TEXT,
  output_type TEXT,
  output_bytes INTEGER,
  output_items INTEGER,
  error TEXT,                            -- JSON: class, code, message, status
  stopped TEXT CHECK (stopped IN ('confirmed', 'best_effort')),   -- what a cancel could do about the GPU
  log TEXT NOT NULL DEFAULT '[]',        -- JSON array, appended to by the statement that changes the status

  -- When the sweep must look at this row next. Derived, so that a row that is not final can never be without one.
  due_at INTEGER GENERATED ALWAYS AS (
    CASE status
      WHEN 'queued' THEN min(start_by, coalesce(not_before, start_by), coalesce(ages_at, start_by), coalesce(cancel_at, start_by))
      WHEN 'in_progress' THEN min(lease_until, coalesce(cancel_at, lease_until))
    END
  ) VIRTUAL,

  capability TEXT NOT NULL DEFAULT '',   -- what is asked of the model, where the dialect tells that apart; '' otherwise
  waiter TEXT,                           -- the lease of the request that waits for it and runs it itself; NULL = a runner's
  input_type TEXT NOT NULL DEFAULT 'application/json',   -- media type; ends in ;base64 where input holds bytes, as output_type does
  usage TEXT,                            -- JSON: tokens in and out, where the backend counts them
  webhook TEXT,                          -- JSON: url, events and origin, as given at submit; NULL = none

  output_sha256 TEXT,                    -- hex, where the output is an object
  retention_seconds INTEGER,             -- of its payloads, where the client asked for one; NULL = the account's, of the whole row
  data_removed_at INTEGER,               -- when its input and output were removed
  expires_at INTEGER GENERATED ALWAYS AS (   -- when they are to be; of those alone whose client asked for it, so that no other pays for an index
    CASE WHEN data_removed_at IS NULL THEN finished_at + retention_seconds * 1000 END
  ) VIRTUAL,
  output_parts TEXT,                     -- JSON array of what came beside the output: name, key in R2, contentType, bytes, sha256
  parts_bytes INTEGER NOT NULL DEFAULT 0,   -- of those together
  -- What it counts as in its account's stored_bytes, in the row or in R2: 8 KiB at least, since its row takes room too.
  charged_bytes INTEGER GENERATED ALWAYS AS (
    max(8192, iif(data_removed_at IS NULL, input_bytes + coalesce(output_bytes, 0) + parts_bytes, 0) + length(CAST(metadata AS BLOB)) - 2)
  ) VIRTUAL,
  unreached INTEGER NOT NULL DEFAULT 0,  -- of the attempts since the submit or the last redrive, those that never reached a backend
  watched_until INTEGER,                 -- somebody may watch it until then
  watch_objects INTEGER NOT NULL DEFAULT 0,     -- at which of its account's watch objects: bit n for the n-th
  counted INTEGER NOT NULL DEFAULT 0,    -- 1 = counted as its account's by what inserted it, with others; 0 = by the trigger below
  -- What it counts as in its account's database_bytes: 2 KiB at least, more than a row takes without its payloads; and what
  -- grows from event to event in steps of 2 KiB, so that most events change nothing here.
  row_bytes INTEGER GENERATED ALWAYS AS (
    max(2048, coalesce(octet_length(input), 0) + coalesce(octet_length(output), 0) + octet_length(metadata))
      + (octet_length(log) + coalesce(octet_length(error), 0) + coalesce(octet_length(webhook), 0) + coalesce(octet_length(output_parts), 0)) / 2048 * 2048
  ) VIRTUAL,
  progress TEXT,                         -- JSON: what the model last said of how far an attempt has come: attempt, at, progress, message, previewUrl
  run_ms_before INTEGER NOT NULL DEFAULT 0,     -- of run_ms, what was spent before the last redrive
  -- Of one that waits: an attempt since the submit or the last redrive has reached a backend, so it may be what is wrong.
  has_failed INTEGER GENERATED ALWAYS AS (attempt - attempts_before > unreached) VIRTUAL,
  trace TEXT,                            -- the call that submitted it within its client's trace: its traceparent, a space and its tracestate; NULL = the client named none

  resumable INTEGER NOT NULL DEFAULT 0,  -- 1 = its output is kept as a stream while it comes, so that it can be read again
  ended_with INTEGER,                    -- names those that ended together with it, whose usage one statement counted; else NULL, or of an earlier end
  noted INTEGER NOT NULL DEFAULT 0,      -- 1 = until its first attempt a due note tells the sweep of it, and no index does
  by_account INTEGER NOT NULL DEFAULT 1, -- 0 = not in the index of that name: it came while few waited, and is among the first of its lane

  batch_id TEXT,                         -- the batch whose line it is; NULL = none's, as most
  batch_line INTEGER,                    -- of the batch's input, from 1

  PRIMARY KEY (account_id, id)
) STRICT, WITHOUT ROWID;

-- What may be claimed, in the order in which it is. The last three columns are there so that positions, and the first of a lane, are
-- read in the index alone.
CREATE INDEX inferences_claimable ON inferences (model, version, level, turn, id, status, not_before, by_account) WHERE status = 'queued' AND not_before IS NULL;
-- The same, account by account, what has failed apart: an account's last turn, and whose turn it is where not all may run. What is
-- not here is among the first of its lane (inferences/sql/head.ts): a submit to a short queue writes nothing here.
CREATE INDEX inferences_by_account ON inferences (model, version, account_id, has_failed, level, turn)
  WHERE status = 'queued' AND not_before IS NULL AND by_account = 1;
-- What comes back into a lane may push another from its first 250 (limits.ts, HEAD_ROWS), which must be in that index then.
CREATE TRIGGER inferences_pushed AFTER UPDATE OF turn ON inferences WHEN NEW.status = 'queued' AND NEW.not_before IS NULL
BEGIN
  UPDATE inferences SET by_account = 1 WHERE by_account = 0 AND (account_id, id) = (
    SELECT account_id, id FROM inferences AS early INDEXED BY inferences_claimable
    WHERE early.status = 'queued' AND early.not_before IS NULL AND early.model = NEW.model AND early.version = NEW.version
    ORDER BY level, turn, id LIMIT 1 OFFSET 250);
END;
-- What backs off, for the depth of a queue.
CREATE INDEX inferences_backing_off ON inferences (model, version) WHERE status = 'queued' AND not_before IS NOT NULL;
-- How much a backend has to do: the one place where capacity is counted, in the index alone.
CREATE INDEX inferences_running ON inferences (backend_id, lease_until) WHERE lease_until IS NOT NULL;
-- What the sweep looks at, beside leases: those it finds among what runs, so that a claim writes no row here.
CREATE INDEX inferences_due ON inferences (due_at) WHERE due_at IS NOT NULL AND (lease_until IS NULL OR cancel_at IS NOT NULL) AND (noted = 0 OR attempt > 0);
-- What did not succeed, for lists and bulk calls; what succeeded, most of all, writes nothing here.
CREATE INDEX inferences_unsuccessful ON inferences (account_id, id, status) WHERE status IN ('failed', 'canceled', 'expired');
-- One inference to a key of a submit.
CREATE UNIQUE INDEX inferences_idempotent ON inferences (account_id, idempotency_key) WHERE idempotency_key IS NOT NULL;

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

-- What a client has uploaded to be referred to by inputs. The bytes are in R2 under files/{account}/{id}, from when it is ready.
CREATE TABLE files (
  account_id TEXT NOT NULL,
  id TEXT NOT NULL,                      -- UUID version 7: sorts by age
  state TEXT NOT NULL CHECK (state IN ('uploading', 'ready')),
  name TEXT NOT NULL,                    -- '' where it has none
  content_type TEXT NOT NULL,
  bytes INTEGER NOT NULL,                -- while it is uploading: what is set aside for it
  sha256 TEXT,                           -- hex; NULL = not known, as of parts that nobody read as a whole
  origin TEXT NOT NULL,                  -- where clients reached us when it was made: for links, where the deployment does not say
  upload_id TEXT,                        -- R2's, of an upload in parts
  part_bytes INTEGER,                    -- of each part but the last, where it is a client that sends them
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,           -- then the sweep removes it, whatever its state
  purpose TEXT NOT NULL DEFAULT '',      -- as OpenAI's clients say it; '' = they did not
  PRIMARY KEY (account_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX files_expiring ON files (expires_at);

-- The parts of uploads that are there.
CREATE TABLE file_parts (
  account_id TEXT NOT NULL,
  file_id TEXT NOT NULL,
  number INTEGER NOT NULL,               -- from 1
  etag TEXT NOT NULL,                    -- R2's, asked for when the upload is completed
  bytes INTEGER NOT NULL,
  PRIMARY KEY (account_id, file_id, number)
) STRICT, WITHOUT ROWID;

-- What an account stores is counted by the statements that change it, whoever makes them, in their transactions: so the
-- count can't drift. An inference costs one row written for it, unless its output makes it larger than the least charge.
-- least 8 KiB, since its row takes room too.
CREATE TRIGGER files_added AFTER INSERT ON files
BEGIN
  UPDATE accounts SET stored_bytes = stored_bytes + max(NEW.bytes, 8192), database_bytes = database_bytes + 2048 WHERE id = NEW.account_id;
END;
CREATE TRIGGER files_resized AFTER UPDATE OF bytes ON files WHEN NEW.bytes <> OLD.bytes
BEGIN
  UPDATE accounts SET stored_bytes = stored_bytes + max(NEW.bytes, 8192) - max(OLD.bytes, 8192) WHERE id = NEW.account_id;
END;
CREATE TRIGGER files_removed AFTER DELETE ON files
BEGIN
  DELETE FROM file_parts WHERE account_id = OLD.account_id AND file_id = OLD.id;
  UPDATE accounts SET stored_bytes = stored_bytes - max(OLD.bytes, 8192), database_bytes = database_bytes - 2048 WHERE id = OLD.account_id;
END;
-- What goes is taken off by the batch that removes it, once for all rows of an account (inferences/sql/ended.ts).
CREATE TRIGGER inferences_charged AFTER INSERT ON inferences WHEN NEW.counted = 0
BEGIN
  UPDATE accounts SET stored_bytes = stored_bytes + NEW.charged_bytes, database_bytes = database_bytes + NEW.row_bytes,
    open_at_most = open_at_most + 1 WHERE id = NEW.account_id;
END;
CREATE TRIGGER inferences_resized AFTER UPDATE OF input, output, output_bytes, parts_bytes, data_removed_at, log ON inferences
WHEN NEW.charged_bytes <> OLD.charged_bytes OR NEW.row_bytes <> OLD.row_bytes
BEGIN
  UPDATE accounts SET stored_bytes = stored_bytes + NEW.charged_bytes - OLD.charged_bytes,
    database_bytes = database_bytes + NEW.row_bytes - OLD.row_bytes WHERE id = NEW.account_id;
END;

-- What was used: one row is an account's day with one key and one model, in UTC. It stays when its inferences are gone.
CREATE TABLE usage (
  account_id TEXT NOT NULL,
  day INTEGER NOT NULL,                  -- since 1970
  model TEXT NOT NULL,
  key_id TEXT NOT NULL,
  succeeded INTEGER NOT NULL,            -- ends; one that is redriven ends once more
  failed INTEGER NOT NULL,
  canceled INTEGER NOT NULL,
  expired INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  run_ms INTEGER NOT NULL,               -- spent in attempts
  input_items INTEGER NOT NULL,
  prompt_tokens INTEGER NOT NULL,
  completion_tokens INTEGER NOT NULL,
  input_bytes INTEGER NOT NULL,
  output_bytes INTEGER NOT NULL,
  cost_micros INTEGER NOT NULL,          -- by the model's price at the end; 2^53 - 1 at most
  PRIMARY KEY (account_id, day, model, key_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX accounts_budgeted ON accounts (id) WHERE budget_micros IS NOT NULL;
-- Each end is counted in its own transaction, whatever statement ends it: a trigger can't be forgotten.
-- It is on finished_at, which each end sets and no claim does: a statement that could fire it takes longer to compile. Only what says
-- with whom it ended is left to the statement that counts those together (inferences/sql/end.ts), which is in the same transaction.
-- No cost may keep an inference from ending, so one beyond 2^53 - 1 counts as that: more than any budget, and far from what overflows.
CREATE TRIGGER inferences_used AFTER UPDATE OF finished_at ON inferences
WHEN NEW.status IN ('succeeded', 'failed', 'canceled', 'expired') AND OLD.status IN ('queued', 'in_progress') AND NEW.ended_with IS OLD.ended_with
BEGIN
  INSERT INTO usage VALUES (NEW.account_id, NEW.updated_at / 86400000, NEW.model, NEW.key_id,
    NEW.status = 'succeeded', NEW.status = 'failed', NEW.status = 'canceled', NEW.status = 'expired',
    NEW.attempt - NEW.attempts_before, NEW.run_ms - NEW.run_ms_before, NEW.input_items,
    coalesce(NEW.usage ->> 'promptTokens', 0), coalesce(NEW.usage ->> 'completionTokens', 0), NEW.input_bytes, coalesce(NEW.output_bytes, 0) + NEW.parts_bytes,
    min(9007199254740991, coalesce((SELECT CAST((NEW.run_ms - NEW.run_ms_before) * second_micros / 1000
        + coalesce((NEW.usage ->> 'promptTokens') + (NEW.usage ->> 'completionTokens'), 0) * token_micros
        + (NEW.status = 'succeeded') * inference_micros AS INTEGER) FROM models WHERE name = NEW.model), 0)))
  ON CONFLICT DO UPDATE SET succeeded = succeeded + excluded.succeeded, failed = failed + excluded.failed, canceled = canceled + excluded.canceled,
    expired = expired + excluded.expired, attempts = attempts + excluded.attempts, run_ms = run_ms + excluded.run_ms,
    input_items = input_items + excluded.input_items, prompt_tokens = prompt_tokens + excluded.prompt_tokens,
    completion_tokens = completion_tokens + excluded.completion_tokens, input_bytes = input_bytes + excluded.input_bytes,
    output_bytes = output_bytes + excluded.output_bytes, cost_micros = min(9007199254740991, cost_micros + excluded.cost_micros);
END;

-- Payloads that are past their own retention. What is past its account's is found by its id, which sorts by age.
CREATE INDEX inferences_expiring ON inferences (expires_at) WHERE expires_at IS NOT NULL;

-- What must go from the bucket, written before or with whatever makes it so: nothing there is left for ever.
CREATE TABLE removals (
  due_at INTEGER NOT NULL,
  object TEXT NOT NULL,                  -- key in R2
  upload_id TEXT NOT NULL,               -- of an upload in parts that is to be aborted, should it not be over; '' = the object itself
  PRIMARY KEY (due_at, object, upload_id)
) STRICT, WITHOUT ROWID;

-- The sweep's slow work: where it goes on, and when.
CREATE TABLE chores (
  name TEXT NOT NULL PRIMARY KEY,
  cursor TEXT NOT NULL,
  due_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The operator's calls that may have changed something; each is written before it does anything.
CREATE TABLE audit (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  via TEXT NOT NULL,                     -- token | session | access
  name TEXT,                             -- who it was, if Access says so
  address TEXT NOT NULL,
  request_id TEXT NOT NULL,
  method TEXT NOT NULL,
  route TEXT NOT NULL,
  target TEXT,                           -- what it was about, by id or name
  change TEXT NOT NULL,                  -- JSON: what was asked for, of bounded length; null = nothing
  status INTEGER                         -- of the answer; NULL = under way, or cut off
) STRICT;
CREATE INDEX audit_by_target ON audit (target, id) WHERE target IS NOT NULL;

-- What is wrong at this moment, as the operator's webhook was told, or is to be told (maintenance/alerts.ts).
CREATE TABLE alerts (
  subject TEXT NOT NULL PRIMARY KEY,     -- its kind and what it is about, such as circuit/{backend}
  type TEXT NOT NULL,                    -- of the event, such as circuit.opened
  id TEXT NOT NULL,                      -- of the event: its webhook-id
  data TEXT NOT NULL,                    -- JSON, of the event
  changed_at INTEGER NOT NULL,
  attempt INTEGER NOT NULL DEFAULT 0,    -- begun so far
  due_at INTEGER                         -- when it is tried next; NULL = it was told, or given up
) STRICT, WITHOUT ROWID;
CREATE INDEX accounts_over_budget ON accounts (id) WHERE budget_state <> 'ok';

-- Who of an account is told of the events of all its inferences.
CREATE TABLE webhooks (
  account_id TEXT NOT NULL,
  id TEXT NOT NULL,                      -- wh_ and 16 base62 characters
  url TEXT NOT NULL,                     -- in its one canonical form
  events TEXT NOT NULL,                  -- JSON array of what it wants to hear of
  description TEXT NOT NULL,
  origin TEXT NOT NULL,                  -- where we were reached when it was made, for the addresses in its deliveries
  created_at INTEGER NOT NULL,
  PRIMARY KEY (account_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX webhooks_by_url ON webhooks (account_id, url);

-- What is known of a URL of an account beyond that it may be called; most have no row.
CREATE TABLE endpoints (
  account_id TEXT NOT NULL,
  url TEXT NOT NULL,
  failures INTEGER NOT NULL DEFAULT 0,   -- in a row, over all of its deliveries
  failing_since INTEGER,
  held_until INTEGER,                    -- it asked to be left alone until then
  state TEXT CHECK (state IN ('gone', 'rested', 'disabled')),   -- NULL = called; else what is for it is held
  state_at INTEGER,
  PRIMARY KEY (account_id, url)
) STRICT, WITHOUT ROWID;
-- Those that are called and failed once; most are of URLs that came with one inference.
CREATE INDEX endpoints_failing ON endpoints (failing_since) WHERE state IS NULL;
-- Those that are not called, counted for metrics; few are.
CREATE INDEX endpoints_stopped ON endpoints (state) WHERE state IS NOT NULL;
CREATE TRIGGER endpoints_added AFTER INSERT ON endpoints
BEGIN
  UPDATE accounts SET database_bytes = database_bytes + max(1024, octet_length(NEW.url)) WHERE id = NEW.account_id;
END;
CREATE TRIGGER endpoints_removed AFTER DELETE ON endpoints
BEGIN
  UPDATE accounts SET database_bytes = database_bytes - max(1024, octet_length(OLD.url)) WHERE id = OLD.account_id;
END;

-- The secrets that an account's deliveries are signed with, sealed by the deployment's own.
CREATE TABLE signing_secrets (
  account_id TEXT NOT NULL PRIMARY KEY,
  sealed TEXT NOT NULL,
  previous TEXT,                         -- the one before, sealed too
  previous_until INTEGER,                -- it signs as well until then
  shown_at INTEGER                       -- when the newest was shown to the account; NULL = never yet
) STRICT, WITHOUT ROWID;

-- One row is one event for one endpoint: the outbox. Its key begins with what it is about, and its id is made of its key.
CREATE TABLE deliveries (
  account_id TEXT NOT NULL,
  inference_id TEXT NOT NULL,            -- 'account' = the account itself
  sequence INTEGER NOT NULL,             -- of the event among those of its inference
  webhook_id TEXT NOT NULL,              -- '' = the URL that was given with the inference
  event TEXT NOT NULL,
  url TEXT NOT NULL,
  dialect TEXT NOT NULL,                 -- whose form the body has
  status TEXT NOT NULL CHECK (status IN ('pending', 'held', 'succeeded', 'failed', 'canceled')),
  attempt INTEGER NOT NULL DEFAULT 0,    -- recorded since it was made or sent again
  due_at INTEGER,                        -- pending: when it is tried next, or, while it is being tried, when that must have ended
  lease TEXT,                            -- whoever tries it: the fence of what is recorded
  created_at INTEGER NOT NULL,           -- when the event was
  snapshot TEXT NOT NULL,                -- JSON: the inference's columns as the event left them; of the account, what there is to say
  attempts TEXT NOT NULL DEFAULT '[]',   -- JSON array of the latest attempts
  -- What it counts as in its account's database_bytes: 1 KiB at least, more than one takes that arrives at once.
  row_bytes INTEGER GENERATED ALWAYS AS (max(1024, octet_length(url) + octet_length(snapshot) + octet_length(attempts))) VIRTUAL,
  hint INTEGER NOT NULL DEFAULT 0,       -- 1 = of a report of progress: sent once, as it stands then
  PRIMARY KEY (account_id, inference_id, sequence, webhook_id),
  CHECK (status = 'pending' AND due_at IS NOT NULL OR status <> 'pending' AND due_at IS NULL AND lease IS NULL)
) STRICT, WITHOUT ROWID;
-- What is to be tried, and when.
CREATE INDEX deliveries_due ON deliveries (account_id, due_at) WHERE due_at IS NOT NULL;
-- What waits for somebody to send it again.
CREATE INDEX deliveries_kept ON deliveries (account_id, webhook_id, created_at) WHERE status IN ('held', 'failed');

-- The outbox is filled by whatever changes a status, in the same transaction. `started` is the first attempt, `progress`
-- whatever moves it on after that.
CREATE TRIGGER inferences_told AFTER UPDATE OF status ON inferences
WHEN NEW.status <> OLD.status
  AND (NEW.webhook IS NOT NULL OR EXISTS (SELECT 1 FROM webhooks WHERE webhooks.account_id = NEW.account_id))
BEGIN
  INSERT INTO deliveries (account_id, inference_id, sequence, webhook_id, event, url, dialect, status, due_at, created_at, snapshot)
  SELECT NEW.account_id, NEW.id,
    1 + coalesce((SELECT max(sequence) FROM deliveries WHERE account_id = NEW.account_id AND inference_id = NEW.id), 0),
    hook.id, 'inference.' || CASE NEW.status WHEN 'in_progress' THEN iif(NEW.attempt = NEW.attempts_before + 1, 'started', 'progress')
      WHEN 'queued' THEN 'progress' ELSE NEW.status END, hook.url, hook.dialect,
    iif(endpoints.state IS NULL, 'pending', 'held'), iif(endpoints.state IS NULL, NEW.updated_at, NULL), NEW.updated_at,
    json_object('status', NEW.status, 'level', NEW.level, 'updated_at', NEW.updated_at, 'start_by', NEW.start_by, 'not_before', NEW.not_before,
      'first_started_at', NEW.first_started_at, 'started_at', NEW.started_at, 'finished_at', NEW.finished_at, 'run_ms', NEW.run_ms,
      'attempt', NEW.attempt, 'backend_id', NEW.backend_id, 'error', NEW.error, 'stopped', NEW.stopped)
  FROM (
    SELECT '' AS id, NEW.webhook ->> 'url' AS url, NEW.webhook -> 'events' AS events, NEW.dialect AS dialect WHERE NEW.webhook IS NOT NULL
    UNION ALL
    SELECT id, url, events, 'claimcheck' FROM webhooks WHERE account_id = NEW.account_id
  ) AS hook
  LEFT JOIN endpoints ON endpoints.account_id = NEW.account_id AND endpoints.url = hook.url
  WHERE EXISTS (SELECT 1 FROM json_each(hook.events) WHERE value = 'inference.' || CASE NEW.status WHEN 'in_progress' THEN iif(NEW.attempt = NEW.attempts_before + 1, 'started', 'progress')
      WHEN 'queued' THEN 'progress' ELSE NEW.status END);
  -- One row written for an event, however many endpoints are told of it; changes() is of the statement before.
  UPDATE accounts SET database_bytes = database_bytes + (SELECT sum(row_bytes) FROM deliveries WHERE account_id = NEW.account_id
      AND inference_id = NEW.id AND sequence = (SELECT max(sequence) FROM deliveries WHERE account_id = NEW.account_id AND inference_id = NEW.id))
    WHERE id = NEW.account_id AND changes() > 0;
END;
CREATE TRIGGER deliveries_resized AFTER UPDATE OF attempts ON deliveries WHEN NEW.row_bytes <> OLD.row_bytes
BEGIN
  UPDATE accounts SET database_bytes = database_bytes + NEW.row_bytes - OLD.row_bytes WHERE id = NEW.account_id;
END;
-- Deliveries go with what they tell of, and are taken off with it.
CREATE TRIGGER inferences_untold AFTER DELETE ON inferences
BEGIN
  DELETE FROM deliveries WHERE account_id = OLD.account_id AND inference_id = OLD.id;
END;
-- Of one inference, or of an account's own events, the deliveries of the newest 100 events are kept. Reports of progress take numbers
-- and few rows, so it is events that are counted and not numbers.
CREATE TRIGGER deliveries_bounded AFTER INSERT ON deliveries WHEN NEW.sequence > 100
BEGIN
  UPDATE accounts SET database_bytes = database_bytes - past.bytes FROM (
      SELECT sum(row_bytes) AS bytes FROM deliveries WHERE account_id = NEW.account_id AND inference_id = NEW.inference_id
        AND sequence <= (SELECT DISTINCT sequence FROM deliveries
          WHERE account_id = NEW.account_id AND inference_id = NEW.inference_id ORDER BY sequence DESC LIMIT 1 OFFSET 100)
    ) AS past WHERE id = NEW.account_id AND past.bytes IS NOT NULL;
  DELETE FROM deliveries WHERE account_id = NEW.account_id AND inference_id = NEW.inference_id
    AND sequence <= (SELECT DISTINCT sequence FROM deliveries
      WHERE account_id = NEW.account_id AND inference_id = NEW.inference_id ORDER BY sequence DESC LIMIT 1 OFFSET 100);
END;
-- What a model reports of its progress is told as well, at most once in five seconds, and as it stands when it is sent. One that waits to
-- be sent tells of the next report too, and one that was sent goes when the next is made: so an endpoint has one of an inference, or
-- two while one is on its way. None is made for an endpoint that is not called.
CREATE TRIGGER inferences_reported AFTER UPDATE OF progress ON inferences
WHEN NEW.status = 'in_progress' AND NEW.progress IS NOT NULL
  AND (NEW.webhook IS NOT NULL OR EXISTS (SELECT 1 FROM webhooks WHERE webhooks.account_id = NEW.account_id))
BEGIN
  INSERT INTO deliveries (account_id, inference_id, sequence, webhook_id, event, url, dialect, status, due_at, created_at, snapshot, hint)
  SELECT NEW.account_id, NEW.id,
    1 + coalesce((SELECT max(sequence) FROM deliveries WHERE account_id = NEW.account_id AND inference_id = NEW.id), 0),
    told.id, 'inference.progress', told.url, told.dialect, 'pending', told.at, told.at, '{}', 1
  FROM (
    SELECT hook.id, hook.url, hook.dialect, max(NEW.progress ->> 'at', 5000 + coalesce((SELECT max(created_at) FROM deliveries
      WHERE account_id = NEW.account_id AND inference_id = NEW.id AND webhook_id = hook.id AND hint = 1), 0)) AS at
    FROM (
      SELECT '' AS id, NEW.webhook ->> 'url' AS url, NEW.webhook -> 'events' AS events, NEW.dialect AS dialect WHERE NEW.webhook IS NOT NULL
      UNION ALL
      SELECT id, url, events, 'claimcheck' FROM webhooks WHERE account_id = NEW.account_id
    ) AS hook
    WHERE EXISTS (SELECT 1 FROM json_each(hook.events) WHERE value = 'inference.progress')
      AND NOT EXISTS (SELECT 1 FROM endpoints WHERE account_id = NEW.account_id AND url = hook.url AND state IS NOT NULL)
      AND NOT EXISTS (SELECT 1 FROM deliveries WHERE account_id = NEW.account_id AND inference_id = NEW.id AND webhook_id = hook.id
        AND hint = 1 AND status = 'pending' AND lease IS NULL)
  ) AS told;
  UPDATE accounts SET database_bytes = database_bytes + (SELECT sum(iif(sequence = newest, row_bytes, iif(hint = 1 AND (status <> 'pending' OR lease IS NOT NULL), -row_bytes, 0)))
      FROM (SELECT max(sequence) AS newest FROM deliveries WHERE account_id = NEW.account_id AND inference_id = NEW.id) CROSS JOIN deliveries
      WHERE account_id = NEW.account_id AND inference_id = NEW.id)
    WHERE id = NEW.account_id AND changes() > 0;
  DELETE FROM deliveries WHERE account_id = NEW.account_id AND inference_id = NEW.id AND hint = 1 AND (status <> 'pending' OR lease IS NOT NULL)
    AND changes() > 0;
END;
-- Of an account itself its webhooks are told when its budget is nearly spent, and when it is: once a month for each amount; and when one
-- that was spent takes work again, since a month began or it was raised. After that it may be spent again for the same amount.
CREATE TRIGGER accounts_told AFTER UPDATE OF budget_state ON accounts
WHEN NEW.budget_state <> OLD.budget_state AND (NEW.budget_state <> 'ok' OR OLD.budget_state = 'spent') AND NEW.removed_at IS NULL
  AND EXISTS (SELECT 1 FROM webhooks WHERE webhooks.account_id = NEW.id)
BEGIN
  INSERT INTO deliveries (account_id, inference_id, sequence, webhook_id, event, url, dialect, status, due_at, created_at, snapshot)
  SELECT NEW.id, 'account', 1 + coalesce((SELECT max(sequence) FROM deliveries WHERE account_id = NEW.id AND inference_id = 'account'), 0),
    hook.id, budget.event, hook.url, 'claimcheck', iif(endpoints.state IS NULL, 'pending', 'held'), iif(endpoints.state IS NULL, budget.at, NULL), budget.at,
    json_object('month', budget.month, 'of', budget.amount, 'budgetMicros', NEW.budget_micros, 'warnMicros', NEW.warn_micros, 'spentMicros', budget.spent)
  FROM (
    SELECT 'account.budget_' || CASE WHEN OLD.budget_state = 'spent' THEN 'renewed' WHEN NEW.budget_state = 'warned' THEN 'warning' ELSE 'exceeded' END AS event,
      date('now', 'start of month') AS month, CAST(unixepoch('subsec') * 1000 AS INTEGER) AS at,
      iif(NEW.budget_state = 'warned' AND OLD.budget_state <> 'spent', NEW.warn_micros, NEW.budget_micros) AS amount,
      (SELECT coalesce(sum(cost_micros), 0) FROM usage
        WHERE account_id = NEW.id AND day >= unixepoch(date('now', 'start of month')) / 86400) AS spent
  ) AS budget CROSS JOIN webhooks AS hook ON hook.account_id = NEW.id
  LEFT JOIN endpoints ON endpoints.account_id = NEW.id AND endpoints.url = hook.url
  WHERE EXISTS (SELECT 1 FROM json_each(hook.events) WHERE value = budget.event)
    AND (budget.event <> 'account.budget_renewed' OR NEW.budget_micros IS NULL OR budget.spent < NEW.budget_micros)
    AND NOT EXISTS (SELECT 1 FROM deliveries WHERE account_id = NEW.id AND inference_id = 'account' AND webhook_id = hook.id
      AND event = budget.event AND event <> 'account.budget_renewed' AND snapshot ->> 'month' = budget.month AND snapshot ->> 'of' IS budget.amount
      AND (event = 'account.budget_warning' OR sequence > coalesce((SELECT max(sequence) FROM deliveries AS renewed
        WHERE renewed.account_id = NEW.id AND renewed.inference_id = 'account' AND renewed.webhook_id = hook.id
          AND renewed.event = 'account.budget_renewed'), 0)));
  UPDATE accounts SET database_bytes = database_bytes + (SELECT sum(row_bytes) FROM deliveries WHERE account_id = NEW.id
      AND inference_id = 'account' AND sequence = (SELECT max(sequence) FROM deliveries WHERE account_id = NEW.id AND inference_id = 'account'))
    WHERE id = NEW.id AND changes() > 0;
END;

-- A file whose lines are submitted as inferences. What is to be done for a batch is done in steps of bounded size (src/batches): a step
-- is fenced by its number, and the sweep takes the next one when it is due.
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
