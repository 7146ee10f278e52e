-- Accounts are listed newest first, not in the order of random ids.
CREATE INDEX accounts_by_age ON accounts (created_at, id);
