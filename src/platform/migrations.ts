/** The newest file of migrations/; a test holds the two equal. */
export const NEWEST_MIGRATION = "0041_accounts_by_age.sql";
