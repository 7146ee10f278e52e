-- Where a backend is asked whether it is ready, if not where its protocol has it.
ALTER TABLE backends ADD COLUMN ready_path TEXT;
