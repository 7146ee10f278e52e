/** PURE. What the metered Worker counts, and what each costs: Cloudflare's list prices beyond what is included, 2026-11. */

export interface Counts {
  readonly requests: number;
  readonly databaseCalls: number;
  readonly rowsRead: number;
  readonly rowsWritten: number;
  readonly objectCalls: number;
  readonly messages: number;
  /** R2's operations of class A: put, list, begin an upload. */
  readonly bucketWrites: number;
  /** Of class B: get, head. */
  readonly bucketReads: number;
}

/** Dollars for a million. A message is written, read and deleted, each an operation of the queue. */
export const PRICES: Counts = {
  requests: 0.3,
  databaseCalls: 0,
  rowsRead: 0.001,
  rowsWritten: 1,
  objectCalls: 0.15,
  messages: 3 * 0.4,
  bucketWrites: 4.5,
  bucketReads: 0.36,
};
