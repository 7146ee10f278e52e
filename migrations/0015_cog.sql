-- The protocol of Cog's server. A CHECK can't be changed, so the table is written once more; its own name must be made, not
-- given to it by a rename, which would change its text.
CREATE TABLE backends_before AS SELECT * FROM backends;
DROP TABLE backends;
CREATE TABLE backends (
  model TEXT NOT NULL REFERENCES models (name),
  version TEXT NOT NULL,
  id TEXT NOT NULL,
  url TEXT NOT NULL,
  protocol TEXT NOT NULL CHECK (protocol IN ('oip', 'openai', 'http', 'cog')),
  remote_model TEXT NOT NULL,
  credential TEXT,
  state TEXT NOT NULL CHECK (state IN ('active', 'draining', 'paused')),
  max_concurrency INTEGER NOT NULL,
  timeout_seconds INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  failures INTEGER NOT NULL DEFAULT 0,
  blamed TEXT,
  rested_until INTEGER,
  probe_at INTEGER,
  mean_run_ms INTEGER,
  files TEXT NOT NULL DEFAULT 'url' CHECK (files IN ('url', 'inline', 'base64')),
  failing_since INTEGER,
  last_error TEXT,
  witnesses TEXT,
  PRIMARY KEY (model, version, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX backends_by_id ON backends (id);
CREATE INDEX backends_in_doubt ON backends (probe_at) WHERE probe_at IS NOT NULL;
INSERT INTO backends SELECT * FROM backends_before;
DROP TABLE backends_before;
