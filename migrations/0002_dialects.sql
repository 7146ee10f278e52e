-- What the vendors' dialects need beside what was there.
ALTER TABLE models ADD COLUMN capabilities TEXT NOT NULL DEFAULT '[]';
ALTER TABLE inferences ADD COLUMN capability TEXT NOT NULL DEFAULT '';
ALTER TABLE inferences ADD COLUMN attendant TEXT;
ALTER TABLE inferences ADD COLUMN input_type TEXT NOT NULL DEFAULT 'application/json';
ALTER TABLE inferences ADD COLUMN usage TEXT;
