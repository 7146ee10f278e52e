-- The webhooks of an account are told when a budget that was spent takes work again.
DROP TRIGGER accounts_told;
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
