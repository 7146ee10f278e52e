-- The operator's calls that may have changed something.
CREATE TABLE audit (
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  via TEXT NOT NULL,
  name TEXT,
  address TEXT NOT NULL,
  request_id TEXT NOT NULL,
  method TEXT NOT NULL,
  route TEXT NOT NULL,
  target TEXT,
  change TEXT NOT NULL,
  status INTEGER
) STRICT;
CREATE INDEX audit_by_target ON audit (target, id) WHERE target IS NOT NULL;
