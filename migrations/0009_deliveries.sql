-- Of one inference the deliveries of the newest 100 events are kept.
CREATE TRIGGER deliveries_bounded AFTER INSERT ON deliveries WHEN NEW.sequence > 100
BEGIN
  DELETE FROM deliveries WHERE account_id = NEW.account_id AND inference_id = NEW.inference_id AND sequence <= NEW.sequence - 100;
END;
