-- The trace that a client's submit is in, which goes on to backends and webhooks.
ALTER TABLE inferences ADD COLUMN trace TEXT;
