-- How much an output of a model may be, as it comes out decoded; NULL = the default.
ALTER TABLE models ADD COLUMN max_output_bytes INTEGER;
