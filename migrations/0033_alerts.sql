-- What is wrong at this moment, as the operator's webhook was told, or is to be told (maintenance/alerts.ts).
CREATE TABLE alerts (
  subject TEXT NOT NULL PRIMARY KEY,     -- its kind and what it is about, such as circuit/{backend}
  type TEXT NOT NULL,                    -- of the event, such as circuit.opened
  id TEXT NOT NULL,                      -- of the event: its webhook-id
  data TEXT NOT NULL,                    -- JSON, of the event
  changed_at INTEGER NOT NULL,
  attempt INTEGER NOT NULL DEFAULT 0,    -- begun so far
  due_at INTEGER                         -- when it is tried next; NULL = it was told, or given up
) STRICT, WITHOUT ROWID;
CREATE INDEX accounts_over_budget ON accounts (id) WHERE budget_state <> 'ok';
