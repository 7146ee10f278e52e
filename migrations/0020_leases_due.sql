-- A lapsed lease is found among what runs, so that neither a claim nor a renewal writes what the sweep looks at.
DROP INDEX inferences_due;
CREATE INDEX inferences_due ON inferences (due_at) WHERE due_at IS NOT NULL AND (lease_until IS NULL OR cancel_at IS NOT NULL);
