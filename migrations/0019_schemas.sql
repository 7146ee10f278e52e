-- What the versions of a model take, so that a bad input is refused at submit.
ALTER TABLE models ADD COLUMN schemas_revision INTEGER NOT NULL DEFAULT 0;
ALTER TABLE models ADD COLUMN schemas TEXT NOT NULL DEFAULT '{}';
