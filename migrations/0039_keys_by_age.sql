-- An account's keys are listed newest first, not in the order of random ids.
CREATE INDEX keys_by_age ON keys (account_id, created_at, id);
