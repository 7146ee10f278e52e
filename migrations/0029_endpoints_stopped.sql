-- How many endpoints rest, are gone or disabled is counted for metrics; few are.
CREATE INDEX endpoints_stopped ON endpoints (state) WHERE state IS NOT NULL;
