-- What a model says of how far its attempt has come.
ALTER TABLE inferences ADD COLUMN progress TEXT;
