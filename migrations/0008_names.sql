-- Names: the lease of the request that waits for an inference is its waiter.
ALTER TABLE inferences RENAME COLUMN attendant TO waiter;
