-- Lists and bulk calls find what did not succeed.
CREATE INDEX inferences_unsuccessful ON inferences (account_id, id, status) WHERE status IN ('failed', 'canceled', 'expired');
