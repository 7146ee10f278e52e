-- No cost keeps an inference from ending: one that is beyond 2^53 - 1 counts as that.
DROP TRIGGER inferences_used;
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
