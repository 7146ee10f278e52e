/** The newest file of migrations/; a test holds the two equal. */
export const NEWEST_MIGRATION = "0033_alerts.sql";
