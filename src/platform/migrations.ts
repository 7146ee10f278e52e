/** The newest file of migrations/; a test holds the two equal. */
export const NEWEST_MIGRATION = "0042_batches.sql";
