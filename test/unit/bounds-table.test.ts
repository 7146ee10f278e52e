/** The table of bounds in docs/operations.md: each number is the one that holds, and each code has the status that is said. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as limits from "../../src/limits.ts";
import { type ProblemCode, PROBLEM_CODES, problem } from "../../src/problem.ts";

const guide = readFileSync(new URL("../../docs/operations.md", import.meta.url), "utf8");
const [, table = ""] = /## Bounds of an account\n\n([^]*?)\n\n/.exec(guide) ?? [];
const rows = table
  .split("\n")
  .slice(2)
  .map((line) => line.slice(2, -2).split(" | ") as [what: string, bound: string, beyond: string]);

const KIB = 1024;
const MIB = KIB ** 2;
const GIB = KIB ** 3;
const MB = 1_000_000;
const DAY = 86_400;

/** The numbers of a row's bound, in their order, in its units. */
const BOUNDS: Readonly<Record<string, readonly number[]>> = {
  "stored bytes": [limits.QUOTA_BYTES / GIB, limits.INFERENCE_CHARGE_BYTES / KIB],
  "bytes in the database": [limits.DATABASE_QUOTA_BYTES.default / GIB, limits.ROW_CHARGE_BYTES / KIB, limits.DELIVERY_CHARGE_BYTES / KIB],
  "open inferences": [limits.OPEN_INFERENCES.default],
  "batches under": [limits.BATCHES_OPEN],
  "a batch": [limits.BATCH_LINES, limits.BATCH_FILE_BYTES / MIB, limits.BATCH_LINE_BYTES / MB, ...limits.BATCH_WINDOW_HOURS.range],
  "inferences that": [limits.BATCH_OPEN_INFERENCES],
  "requests that wait for": [limits.WAITERS_PER_ACCOUNT],
  "requests that wait by": [limits.WATCHERS_PER_ACCOUNT, limits.PREFER_WAIT_SECONDS.range[1], limits.EVENTS_SECONDS / 60],
  "one stream": [limits.STREAM_BYTES / KIB ** 2],
  "calls for a model": [limits.REPEATS_MAX],
  "`metadata`": [limits.METADATA.entries, limits.METADATA.nameCharacters, limits.METADATA.textCharacters],
  "`Idempotency-Key`": [limits.IDEMPOTENCY_KEY_CHARACTERS, limits.IDEMPOTENCY_MS / 3_600_000],
  "`Prefer`": [limits.PREFER_CHARACTERS],
  "the whole database": [(limits.DATABASE_FULL_BYTES / limits.DATABASE_BYTES) * 100],
  "one file": [limits.FILE_CHARGE_BYTES / KIB, limits.FILE_NAME_CHARACTERS, limits.CONTENT_TYPE_CHARACTERS],
  "a file in one": [limits.FILE_PARTS, limits.UPLOAD_PART_BYTES / MIB],
  "an output, as": [limits.OUTPUT_BYTES.default / GIB],
  "a form": [limits.FORM_FIELD_BYTES / KIB, limits.PARTS_MAX],
  "an upload": [limits.FILE_PARTS, ...limits.FILE_PART_BYTES.range.map((it) => it / MIB), 256, limits.FILE_HASHED_BYTES / GIB],
  "files of one": [limits.FILE_REFERENCES, limits.FILES_INLINE_BYTES / MB],
  "a link": [limits.LINK_SECONDS.range[1] / DAY],
  "reads by all": [limits.ACCOUNT_LIMITS.linkReads.most],
  webhooks: [limits.WEBHOOKS_PER_ACCOUNT, limits.WEBHOOK_URL_CHARACTERS, limits.DESCRIPTION_CHARACTERS],
  "test pings": [limits.ACCOUNT_LIMITS.webhookTests.most],
  "deliveries under": [
    limits.DELIVERY_OBJECTS_PER_ACCOUNT * limits.DELIVERIES_AT_ONCE,
    limits.DELIVERY_OBJECTS_PER_ACCOUNT,
    limits.DELIVERIES_AT_ONCE,
  ],
  "one attempt": [limits.WEBHOOK_TIMEOUT_MS / 1_000, limits.DELIVERY_ANSWER_BYTES, limits.DELIVERY_EARLIER_ANSWER_CHARACTERS],
  "attempts at": [
    limits.WEBHOOK_DELAYS_SECONDS.length + 1,
    Math.floor(sum(limits.WEBHOOK_DELAYS_SECONDS) / DAY),
    limits.DELIVERY_ATTEMPTS_KEPT,
  ],
  "deliveries of": [limits.DELIVERY_EVENTS_KEPT],
  "deliveries sent": [limits.DELIVERIES_RESENT],
  "attempts of": [limits.REDRIVE_ATTEMPTS_MAX],
  "output in": [limits.EVENT_OUTPUT_BYTES],
  "an endpoint": [limits.ENDPOINT_REST_FAILURES, limits.ENDPOINT_FORGOTTEN_MS / 1_000 / DAY],
  "a JSON body": [limits.JSON_BODY_BYTES / MB, limits.JSON_DEPTH, 5, 460_000, limits.ADMIN_BODY_BYTES / KIB],
  "a body of": [limits.TENSOR_BODY_BYTES / MIB],
  bodies: [limits.BODIES_BYTES / MB, limits.ACCOUNT_BODIES_BYTES / MB],
  "the pace": [limits.BODY_PACE.bytesPerSecond / KIB, limits.BODY_PACE.graceMs / 1_000],
  "calls of": [limits.KEY_LIMITS.read, limits.KEY_LIMITS.submit, limits.KEY_LIMITS.cancel],
  "a key that was revoked": [],
  "a key that was refused": [limits.REFUSED_KEY_MS / 1_000],
  "an answer": [limits.KEPT_ANSWER_MS / 1_000, limits.KEPT_ANSWERS, (2 * limits.KEPT_ANSWERS_CHARACTERS) / MIB],
  "a page of a list": [limits.PAGE.range[1], limits.OFFSET_MAX],
  "a page of inferences": [limits.LISTED_CHARACTERS / MB],
  "inferences asked": [limits.IDS_ASKED],
  "a count": [limits.COUNTED_ROWS],
  "a bulk": [limits.BULK_ROWS],
  guesses: [limits.ACCOUNT_LIMITS.adminGuesses.most, 64, 6],
};

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

const numbersIn = (text: string) => (text.match(/\d[\d,]*/g) ?? []).map((number) => Number(number.replaceAll(",", "")));

test.each(rows)("%s: the numbers are those that hold", (what, bound) => {
  const known = Object.keys(BOUNDS).filter((name) => what.startsWith(name));
  expect(known).toHaveLength(1);
  expect(numbersIn(bound)).toEqual(BOUNDS[known[0] ?? ""]);
});

test.each(rows)("%s: each code has the status that is said", (_what, _bound, beyond) => {
  for (const [, status, code = ""] of beyond.matchAll(/(\d{3}) `(\w+)`/g)) {
    if (code === "model_not_ready") continue; // told by another status to those that ask again and again
    expect(PROBLEM_CODES).toContain(code);
    expect([code, problem(code as ProblemCode).status]).toEqual([code, Number(status)]); // it is one of them
  }
});

test("the table has every bound that is held against it", () => {
  expect(rows).toHaveLength(Object.keys(BOUNDS).length);
  // What is said in words.
  expect([limits.UPLOAD_SECONDS, limits.ENDPOINT_REST_MS / 1_000, limits.WEBHOOK_HOLD_MAX_MS / 3_600_000]).toEqual([DAY, DAY, 1]);
  expect(Math.max(limits.GRANT_MS, limits.GRANT_HELD_MS)).toBeLessThanOrEqual(1_000);
  // What can't be read off a number: the memory that so many numbers or members take is all that there is.
  expect(limits.JSON_BODY_BYTES / "1,".length).toBe(5 * MB);
  expect(Math.floor(limits.JSON_HEAP_BYTES / (96 + 8) / 10_000) * 10_000).toBe(460_000);
});
