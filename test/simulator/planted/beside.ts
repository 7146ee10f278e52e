/** Planted bugs in what goes on beside the inferences themselves: deliveries, files, quotas and retention. */
import type { Fetch } from "../../../src/backends/backend.ts";
import type { Ports } from "../../../src/ports.ts";
import { type Mutation, begins, both, within } from "./rewrite.ts";

const SCHEMA = begins("--", "CREATE TABLE inferences");
const CLAIM_DELIVERY = begins("UPDATE deliveries SET lease = ?, due_at =");
const NOTE_OBJECTS = begins("INSERT INTO removals (due_at, object, upload_id)", "SELECT 0, input_object");
const NOTE_FILE = begins("INSERT INTO removals (due_at, object, upload_id)", "SELECT 0, value, ''");
const UNNAMED_PAYLOADS = begins("SELECT named.value ->> 0 AS object");
const UNNAMED_FILES = begins("SELECT value FROM json_each(", "FROM files");
const UNCHARGE = begins("UPDATE accounts SET (stored_bytes, database_bytes) = (");
const ADMIT_FILE = begins("INSERT INTO files");
const PAST_RETENTION = begins("SELECT old.account_id", "FROM accounts AS owner");

const TOLD_BYTES = "(SELECT sum(row_bytes) FROM deliveries WHERE account_id = NEW.account_id\n      AND inference_id = NEW.id AND sequence";

const RESOLVER = "https://cloudflare-dns.com/";

/** Changes calls of receivers, and not those of the resolver. */
const ofReceivers =
  (change: (fetch: Fetch) => Fetch): NonNullable<Mutation["ports"]> =>
  (ports: Ports) => {
    const changed = change(ports.internet.fetch);
    const fetch: Fetch = (url, init) => (url.startsWith(RESOLVER) ? ports.internet.fetch(url, init) : changed(url, init));
    return { ...ports, internet: { ...ports.internet, fetch } };
  };

export const WEBHOOK_AND_STORAGE_BUGS: readonly Mutation[] = [
  {
    name: "an expiry is told to nobody",
    rewrite: within(
      SCHEMA,
      "WHERE EXISTS (SELECT 1 FROM json_each(hook.events) WHERE value = 'inference.' ||",
      "WHERE NEW.status <> 'expired' AND EXISTS (SELECT 1 FROM json_each(hook.events) WHERE value = 'inference.' ||",
    ),
  },
  { name: "an expiry is counted nowhere", rewrite: within(SCHEMA, "'canceled', 'expired') AND OLD.status", "'canceled') AND OLD.status") },
  {
    name: "what is redriven is counted from its beginning",
    rewrite: within(SCHEMA, "NEW.attempt - NEW.attempts_before, NEW", "NEW.attempt, NEW"),
  },
  {
    name: "a delivery is lost with its sender",
    rewrite: within(CLAIM_DELIVERY, "AS INTEGER) + ?", "AS INTEGER) + 1000000 * ?"),
  },
  {
    name: "a receiver's error counts as delivered",
    ports: ofReceivers((fetch) => async (url, init) => {
      const answer = await fetch(url, init);
      return answer.status === 500 ? new Response("so") : answer;
    }),
  },
  {
    name: "a delivery that is sent again has another id",
    ports: ofReceivers((fetch) => (url, init) => {
      const headers = new Headers(init.headers);
      headers.set("webhook-id", `${headers.get("webhook-id")}_${headers.get("webhook-timestamp")}`);
      return fetch(url, { ...init, headers });
    }),
  },
  {
    name: "a retry is told as a failure",
    rewrite: within(
      SCHEMA,
      "WHEN 'queued' THEN 'progress' ELSE NEW.status END, hook.url",
      "WHEN 'queued' THEN 'failed' ELSE NEW.status END, hook.url",
    ),
  },
  {
    name: "what is told is how the inference stands now",
    rewrite: within(SCHEMA, "json_object('status', NEW.status, 'level'", "json_object('level'"),
  },
  {
    name: "events are numbered with gaps",
    rewrite: within(SCHEMA, "1 + coalesce((SELECT max(sequence)", "1 + 2 * coalesce((SELECT max(sequence)"),
  },
  {
    name: "an object is left when its inference goes",
    rewrite: both(
      within(NOTE_OBJECTS, "WHERE TRUE", "WHERE FALSE"),
      within(UNNAMED_PAYLOADS, "WHERE NOT EXISTS", "WHERE FALSE AND NOT EXISTS"),
    ),
  },
  {
    name: "a file's object is left when its row goes",
    rewrite: both(within(NOTE_FILE, "WHERE TRUE", "WHERE FALSE"), within(UNNAMED_FILES, "WHERE NOT EXISTS", "WHERE FALSE AND NOT EXISTS")),
    ports: (ports) => ({
      ...ports,
      payloads: { ...ports.payloads, delete: async (keys) => (typeof keys === "string" ? undefined : ports.payloads.delete(keys)) },
    }),
  },
  {
    name: "an object goes though its row names it",
    rewrite: within(UNNAMED_PAYLOADS, "owner.data_removed_at IS NULL", "owner.data_removed_at IS NOT NULL"),
  },
  {
    name: "a file is ready before its object is stored",
    ports: (ports, schedule) => ({
      ...ports,
      uploads: {
        ...ports.uploads,
        open: (key, bytes, contentType) => {
          const writing = ports.uploads.open(key, bytes, contentType);
          return {
            ...writing,
            end: async () => {
              schedule.after(2_000, () => void writing.end().catch(() => {}));
              return true;
            },
          };
        },
      },
    }),
  },
  { name: "what goes is still counted", rewrite: within(UNCHARGE, "sum(charged_bytes)", "0 * sum(charged_bytes)") },
  {
    name: "deliveries go and are still counted",
    rewrite: within(UNCHARGE, "SELECT sum(row_bytes) FROM deliveries", "SELECT 0 * sum(row_bytes) FROM deliveries"),
  },
  {
    name: "an event that nobody is told of counts as the one before",
    rewrite: both(
      within(SCHEMA, "WHERE id = NEW.account_id AND changes() > 0;\nEND", "WHERE id = NEW.account_id AND changes() >= 0;\nEND"),
      within(SCHEMA, TOLD_BYTES, TOLD_BYTES.replace("sum(row_bytes)", "coalesce(sum(row_bytes), 0)")),
    ),
  },
  {
    name: "attempts at a delivery count for nothing",
    rewrite: within(SCHEMA, "ON deliveries WHEN NEW.row_bytes <> OLD.row_bytes", "ON deliveries WHEN FALSE"),
  },
  { name: "files are admitted beyond the quota", rewrite: within(ADMIT_FILE, "stored_bytes +", "0 * stored_bytes +") },
  {
    name: "inferences go before their retention is over",
    rewrite: within(PAST_RETENTION, "retention_seconds * 1000", "retention_seconds * 500"),
  },
];
