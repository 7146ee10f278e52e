-- All that an account can make the database grow by counts in its quota there: deliveries, endpoints, and what an
-- inference's row gathers from event to event.
DROP TRIGGER inferences_charged;
DROP TRIGGER inferences_resized;
DROP TRIGGER inferences_told;
DROP TRIGGER deliveries_bounded;
ALTER TABLE inferences DROP COLUMN row_bytes;
ALTER TABLE inferences ADD COLUMN row_bytes INTEGER GENERATED ALWAYS AS (
    max(2048, coalesce(octet_length(input), 0) + coalesce(octet_length(output), 0) + octet_length(metadata))
      + (octet_length(log) + coalesce(octet_length(error), 0) + coalesce(octet_length(webhook), 0) + coalesce(octet_length(output_parts), 0)) / 2048 * 2048
) VIRTUAL;
ALTER TABLE deliveries ADD COLUMN row_bytes INTEGER GENERATED ALWAYS AS (max(1024, octet_length(url) + octet_length(snapshot) + octet_length(attempts))) VIRTUAL;
CREATE INDEX endpoints_failing ON endpoints (failing_since) WHERE state IS NULL;
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
  UPDATE accounts SET database_bytes = database_bytes + (SELECT sum(row_bytes) FROM deliveries WHERE account_id = NEW.account_id
      AND inference_id = NEW.id AND sequence = (SELECT max(sequence) FROM deliveries WHERE account_id = NEW.account_id AND inference_id = NEW.id))
    WHERE id = NEW.account_id AND changes() > 0;
END;
CREATE TRIGGER deliveries_resized AFTER UPDATE OF attempts ON deliveries WHEN NEW.row_bytes <> OLD.row_bytes
BEGIN
  UPDATE accounts SET database_bytes = database_bytes + NEW.row_bytes - OLD.row_bytes WHERE id = NEW.account_id;
END;
CREATE TRIGGER deliveries_bounded AFTER INSERT ON deliveries WHEN NEW.sequence > 100
BEGIN
  UPDATE accounts SET database_bytes = database_bytes - (SELECT sum(row_bytes) FROM deliveries
      WHERE account_id = NEW.account_id AND inference_id = NEW.inference_id AND sequence <= NEW.sequence - 100)
    WHERE id = NEW.account_id AND EXISTS (SELECT 1 FROM deliveries
      WHERE account_id = NEW.account_id AND inference_id = NEW.inference_id AND sequence <= NEW.sequence - 100);
  DELETE FROM deliveries WHERE account_id = NEW.account_id AND inference_id = NEW.inference_id AND sequence <= NEW.sequence - 100;
END;
CREATE TRIGGER endpoints_added AFTER INSERT ON endpoints
BEGIN
  UPDATE accounts SET database_bytes = database_bytes + max(1024, octet_length(NEW.url)) WHERE id = NEW.account_id;
END;
CREATE TRIGGER endpoints_removed AFTER DELETE ON endpoints
BEGIN
  UPDATE accounts SET database_bytes = database_bytes - max(1024, octet_length(OLD.url)) WHERE id = OLD.account_id;
END;
UPDATE accounts SET
  database_bytes = (SELECT count(*) * 2048 FROM files WHERE files.account_id = accounts.id)
    + (SELECT coalesce(sum(row_bytes), 0) FROM inferences WHERE inferences.account_id = accounts.id)
    + (SELECT coalesce(sum(row_bytes), 0) FROM deliveries WHERE deliveries.account_id = accounts.id)
    + (SELECT coalesce(sum(max(1024, octet_length(url))), 0) FROM endpoints WHERE endpoints.account_id = accounts.id);
