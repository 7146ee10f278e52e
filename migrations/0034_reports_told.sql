-- Webhooks are told of the progress that models report, and of budgets.
ALTER TABLE deliveries ADD COLUMN hint INTEGER NOT NULL DEFAULT 0;
DROP TRIGGER deliveries_bounded;
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
CREATE TRIGGER accounts_told AFTER UPDATE OF budget_state ON accounts
WHEN NEW.budget_state <> OLD.budget_state AND NEW.budget_state <> 'ok' AND NEW.removed_at IS NULL
  AND EXISTS (SELECT 1 FROM webhooks WHERE webhooks.account_id = NEW.id)
BEGIN
  INSERT INTO deliveries (account_id, inference_id, sequence, webhook_id, event, url, dialect, status, due_at, created_at, snapshot)
  SELECT NEW.id, 'account', 1 + coalesce((SELECT max(sequence) FROM deliveries WHERE account_id = NEW.id AND inference_id = 'account'), 0),
    hook.id, budget.event, hook.url, 'claimcheck', iif(endpoints.state IS NULL, 'pending', 'held'), iif(endpoints.state IS NULL, budget.at, NULL), budget.at,
    json_object('month', budget.month, 'of', budget.amount, 'budgetMicros', NEW.budget_micros, 'warnMicros', NEW.warn_micros, 'spentMicros',
      (SELECT coalesce(sum(cost_micros), 0) FROM usage WHERE account_id = NEW.id AND day >= unixepoch(budget.month) / 86400))
  FROM (
    SELECT 'account.budget_' || iif(NEW.budget_state = 'warned', 'warning', 'exceeded') AS event, date('now', 'start of month') AS month,
      iif(NEW.budget_state = 'warned', NEW.warn_micros, NEW.budget_micros) AS amount, CAST(unixepoch('subsec') * 1000 AS INTEGER) AS at
  ) AS budget CROSS JOIN webhooks AS hook ON hook.account_id = NEW.id
  LEFT JOIN endpoints ON endpoints.account_id = NEW.id AND endpoints.url = hook.url
  WHERE EXISTS (SELECT 1 FROM json_each(hook.events) WHERE value = budget.event)
    AND NOT EXISTS (SELECT 1 FROM deliveries WHERE account_id = NEW.id AND inference_id = 'account' AND webhook_id = hook.id
      AND event = budget.event AND snapshot ->> 'month' = budget.month AND snapshot ->> 'of' IS budget.amount);
  UPDATE accounts SET database_bytes = database_bytes + (SELECT sum(row_bytes) FROM deliveries WHERE account_id = NEW.id
      AND inference_id = 'account' AND sequence = (SELECT max(sequence) FROM deliveries WHERE account_id = NEW.id AND inference_id = 'account'))
    WHERE id = NEW.id AND changes() > 0;
END;
