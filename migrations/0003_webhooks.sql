-- Webhooks: who is to be told of what, and the outbox of what is to be told. schema.sql says what each column is.
ALTER TABLE inferences ADD COLUMN webhook TEXT;

CREATE TABLE webhooks (
  account_id TEXT NOT NULL,
  id TEXT NOT NULL,
  url TEXT NOT NULL,
  events TEXT NOT NULL,
  description TEXT NOT NULL,
  origin TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (account_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX webhooks_by_url ON webhooks (account_id, url);

CREATE TABLE endpoints (
  account_id TEXT NOT NULL,
  url TEXT NOT NULL,
  failures INTEGER NOT NULL DEFAULT 0,
  failing_since INTEGER,
  held_until INTEGER,
  state TEXT CHECK (state IN ('gone', 'rested', 'disabled')),
  state_at INTEGER,
  PRIMARY KEY (account_id, url)
) STRICT, WITHOUT ROWID;

CREATE TABLE signing_secrets (
  account_id TEXT NOT NULL PRIMARY KEY,
  sealed TEXT NOT NULL,
  previous TEXT,
  previous_until INTEGER,
  shown_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE deliveries (
  account_id TEXT NOT NULL,
  inference_id TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  webhook_id TEXT NOT NULL,
  event TEXT NOT NULL,
  url TEXT NOT NULL,
  dialect TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending', 'held', 'succeeded', 'failed', 'canceled')),
  attempt INTEGER NOT NULL DEFAULT 0,
  due_at INTEGER,
  lease TEXT,
  created_at INTEGER NOT NULL,
  snapshot TEXT NOT NULL,
  attempts TEXT NOT NULL DEFAULT '[]',
  PRIMARY KEY (account_id, inference_id, sequence, webhook_id),
  CHECK (status = 'pending' AND due_at IS NOT NULL OR status <> 'pending' AND due_at IS NULL AND lease IS NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_due ON deliveries (account_id, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX deliveries_kept ON deliveries (account_id, webhook_id, created_at) WHERE status IN ('held', 'failed');

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
END;
CREATE TRIGGER inferences_untold AFTER DELETE ON inferences
BEGIN
  DELETE FROM deliveries WHERE account_id = OLD.account_id AND inference_id = OLD.id;
END;
