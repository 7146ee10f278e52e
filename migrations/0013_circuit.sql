-- What the circuit of a backend tells, and attempts that never reached one.
ALTER TABLE backends ADD COLUMN failing_since INTEGER;
ALTER TABLE backends ADD COLUMN last_error TEXT;
ALTER TABLE backends ADD COLUMN witnesses TEXT;
ALTER TABLE inferences ADD COLUMN unreached INTEGER NOT NULL DEFAULT 0;
