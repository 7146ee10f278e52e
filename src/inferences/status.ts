/** PURE. The statuses of an inference, and which may become which. The store derives the WHERE of every change from this table. */

export const STATUSES = ["queued", "in_progress", "succeeded", "failed", "canceled", "expired"] as const;

export type Status = (typeof STATUSES)[number];

/** `failed` and `expired` end a client's wait, but an explicit redrive may queue them again under the same id. */
export const TRANSITIONS: Readonly<Record<Status, readonly Status[]>> = {
  queued: ["in_progress", "canceled", "expired", "failed"],
  in_progress: ["succeeded", "failed", "queued", "canceled"],
  succeeded: [],
  failed: ["queued"],
  canceled: [],
  expired: ["queued"],
};

export function mayBecome(from: Status, to: Status): boolean {
  return TRANSITIONS[from].includes(to);
}

/** Whether a client's wait is over. */
export function isFinal(status: Status): boolean {
  return status !== "queued" && status !== "in_progress";
}
