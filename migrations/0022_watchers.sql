-- Who watches an inference, or all of an account's: read by the statement that changes a status, so that one that nobody watches costs nothing.
ALTER TABLE accounts ADD COLUMN watched_until INTEGER;
ALTER TABLE accounts ADD COLUMN watch_objects INTEGER NOT NULL DEFAULT 0;
ALTER TABLE inferences ADD COLUMN watched_until INTEGER;
ALTER TABLE inferences ADD COLUMN watch_objects INTEGER NOT NULL DEFAULT 0;
