-- Streams that resume: whose output is kept while it comes.
ALTER TABLE inferences ADD COLUMN resumable INTEGER NOT NULL DEFAULT 0;
