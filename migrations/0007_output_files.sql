-- Fields of outputs that are kept as files.
ALTER TABLE models ADD COLUMN output_files TEXT NOT NULL DEFAULT '[]';
