/** The newest file of migrations/; a test holds the two equal. */
export const NEWEST_MIGRATION = "0024_all_rows_in_the_quota.sql";
