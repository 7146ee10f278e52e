-- How long what is finished is kept, and what must go from the bucket.
ALTER TABLE accounts ADD COLUMN retention_seconds INTEGER NOT NULL DEFAULT 604800;
ALTER TABLE inferences ADD COLUMN output_sha256 TEXT;
ALTER TABLE inferences ADD COLUMN retention_seconds INTEGER;
ALTER TABLE inferences ADD COLUMN data_removed_at INTEGER;
ALTER TABLE inferences ADD COLUMN expires_at INTEGER GENERATED ALWAYS AS (
  CASE WHEN data_removed_at IS NULL THEN finished_at + retention_seconds * 1000 END
) VIRTUAL;
CREATE INDEX inferences_expiring ON inferences (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE removals (
  due_at INTEGER NOT NULL,
  object TEXT NOT NULL,
  upload_id TEXT NOT NULL,
  PRIMARY KEY (due_at, object, upload_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE chores (
  name TEXT NOT NULL PRIMARY KEY,
  cursor TEXT NOT NULL,
  due_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
