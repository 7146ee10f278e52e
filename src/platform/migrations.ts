/** The newest file of migrations/; a test holds the two equal. */
export const NEWEST_MIGRATION = "0039_keys_by_age.sql";
