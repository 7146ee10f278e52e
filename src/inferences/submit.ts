/**
 * Submit: one durable write, then the answer. The wake-up and the arming of the sweep come after the answer and may
 * fail: both only hasten what the sweep would find anyway. An input too large for the row is stored before the row that
 * names it; when the row is not written, the object is taken back.
 */
import { sizeOf } from "../content/content.ts";
import { isAddress } from "../backends/openai-paths.ts";
import { missingFile } from "../files/supply.ts";
import { nextMonth } from "../accounts/usage.ts";
import { overQuota } from "../files/quota.ts";
import { NOT_READY_RETRY_SECONDS, OPEN_COUNT_MS, SCHEMA_TRIES, WAKE_UPS_PER_LANE } from "../limits.ts";
import { observed } from "../metrics/observed.ts";
import { fillOf } from "../platform/fill.ts";
import { askAgain } from "../platform/unavailable.ts";
import type { Lane } from "../models/lane.ts";
import type { Ports } from "../ports.ts";
import { type Problem, problem, shown } from "../problem.ts";
import { type ModelSchemas, NO_SCHEMAS, findSchemas, refusalOfInput } from "../models/schemas.ts";
import { type Inference, newlyQueued } from "./inference.ts";
import { modelNotFound } from "../models/unknown.ts";
import { isInline } from "../payloads/payloads.ts";
import type { Claim } from "./sql/record.ts";
import {
  type Earlier,
  type Inserted,
  type NewInference,
  chargeOf,
  findByIdempotencyKey,
  insertInference,
  insertOnce,
  rowChargeOf,
  standingOf,
} from "./sql/insert.ts";
import { isBelowOpenLimit } from "./sql/open.ts";
import { insertAllOrNone, insertTogether } from "./sql/insert-group.ts";
import { type Asked, Together } from "../platform/together.ts";
import { writtenNotes } from "./sql/notes.ts";
import { type After, hintSweep, hintWork } from "./hints.ts";
import { wantedIn, prepared, takeBack, type Submission } from "./submission.ts";

/** How rows are written, and said to be there. */
export interface Way {
  insert(it: NewInference): Promise<Inserted>;
  /** Something was accepted; the lane is given if it may have a slot for it. */
  announce(lane: Lane | null): void;
}

/** The inference, and whether it was there already: a replay of an earlier submit. */
export interface Submitted {
  readonly inference: Inference;
  readonly replayed: boolean;
  /** Where a request waits for it and its turn came at once: what it needs to run it. */
  readonly claimed: Claim | null;
  /** When that was asked for, by the isolate's clock: its lease counts from there. */
  readonly askedAt: number;
}

/**
 * Accepts a submission. Throws what refuses it: no model serves it, or none does now for a request that would wait; the
 * model's schema does not allow its input; a file that it refers to is missing; the account has too many open or stores too
 * much; its idempotency key stands for another body.
 *
 * The input is checked against the schemas that the isolate remembers, and written only while the model has their revision;
 * if it has another, the schemas are read, and it is checked again. So no check is out of date, and a model without a schema,
 * whose revision is 0, costs nothing.
 */
export async function submit(
  ports: Ports,
  submission: Submission,
  after: After,
  way: Way = withOthers(ports, after),
  begun: Begun | null | undefined = null,
): Promise<Submitted> {
  let schemas = begun?.schemas ?? ports.schemas?.get(submission.model, 0) ?? NO_SCHEMAS;
  for (let tries = 0; tries < SCHEMA_TRIES; tries++) {
    const first = tries === 0 ? begun : null;
    const refused = first ? null : (refusalOfInput(schemas, submission) ?? (await refusalBefore(ports, submission)));
    const accepted = refused ? null : await accept(ports, submission, schemas, after, way, first);
    if (accepted) return accepted;
    // What was accepted once is answered again, though it would not be accepted now.
    const earlier = await replayOf(ports, submission);
    if (earlier) return earlier;
    const standing = await standingOf(ports, submission.accountId, wantedIn(submission));
    const reason = refused?.code === "invalid_input" ? null : (refused ?? refusalIn(submission, standing));
    if (reason) throw reason;
    if (standing.schemas === schemas.revision) throw refused ?? problem("unavailable", { headers: { "Retry-After": "1" } });
    schemas = (await findSchemas(ports.db, submission.model)) ?? NO_SCHEMAS;
    ports.schemas?.set(submission.model, schemas, Infinity);
  }
  throw problem("unavailable", { headers: { "Retry-After": "1" } });
}

/** A submit whose row was made, and its insert tried, with others of its call; null came of it if they were not taken together. */
export interface Begun extends Asked<NewInference, Inserted | null> {
  /** Those that its input was checked against. */
  readonly schemas: ModelSchemas;
}

/** What refuses a submission before anything of it is stored. A small input needs no question: the one write decides. */
async function refusalBefore(ports: Ports, submission: Submission): Promise<Problem | null> {
  const { db } = ports;
  const { accountId, input, inputPath = [], notBefore } = submission;
  if (fillOf(db).state === "full") {
    return problem("database_full", { detail: "No new inferences are taken until there is room again.", headers: { "Retry-After": "60" } });
  }
  const missing = await missingFile(db, accountId, input, inputPath, notBefore ?? 0);
  if (missing || isInline(input)) return missing;
  return refusalIn(submission, await standingOf(ports, accountId, wantedIn(submission)));
}

/** What a submission counts as in its account's quotas. */
export function chargesOf({ input, metadata = {}, webhook }: Submission): { readonly bytes: number; readonly rowBytes: number } {
  const bytes = chargeOf({ inputBytes: sizeOf(input.body), metadata });
  const at = isInline(input) ? ({ at: "row", ...input } as const) : ({ at: "object", key: "", bytes, ...input } as const);
  return { bytes, rowBytes: rowChargeOf({ input: at, metadata, webhook: webhook ?? null }) };
}

/** What of an account's standing refuses a submission; null if nothing does. */
export function refusalIn(
  submission: Submission,
  { served, ready, versions, capabilities, ...account }: Awaited<ReturnType<typeof standingOf>>,
): Problem | null {
  if (!served) return notServed(submission, versions && capabilities && { versions, capabilities });
  if (submission.waiter !== undefined && !ready) {
    const detail = `No backend of the model "${submission.model}" takes work. Ask again later, or submit it as an asynchronous request.`;
    return problem("model_not_ready", { detail, headers: { "Retry-After": String(NOT_READY_RETRY_SECONDS) } });
  }
  const spent = refusalBySpent(account);
  if (spent) return spent;
  const { bytes, rowBytes } = chargesOf(submission);
  const over = overQuota(account, bytes, rowBytes);
  if (over) return over;
  return refusalByOpen(account);
}

type Account = Pick<Awaited<ReturnType<typeof standingOf>>, "budget" | "budgetMicros" | "now" | "open" | "openLimit">;

/** What refuses whatever an account would begin, if its budget is spent. */
export function refusalBySpent(account: Account): Problem | null {
  if (account.budget !== "spent") return null;
  const [budget, renewsAt] = [account.budgetMicros / 1_000_000, new Date(nextMonth(account.now)).toISOString()];
  return problem("budget_exceeded", {
    detail: `The account has spent its budget of ${budget} for this month. It is renewed at ${renewsAt}; the operator can raise it.`,
    members: { monthly_budget: budget, renews_at: renewsAt },
  });
}

/** What refuses one more, if an account has as many open as it may. */
export function refusalByOpen(account: Account): Problem | null {
  if (account.open < account.openLimit) return null;
  return problem("too_many_open", {
    detail: `The account has ${account.open} open inferences and may have ${account.openLimit}. Wait until some have ended, or cancel some.`,
    headers: { "Retry-After": String(Math.ceil(OPEN_COUNT_MS / 1000)) },
    members: { open_inferences: account.open, open_limit: account.openLimit },
  });
}

/** Stores the input and writes the row. Null if the write decided against it; then nothing of it stays. */
async function accept(
  ports: Ports,
  submission: Submission,
  schemas: ModelSchemas,
  after: After,
  way: Way,
  begun: Begun | null | undefined,
): Promise<Submitted | null> {
  const it = begun?.question ?? (await prepared(ports, submission, schemas));
  let outcome = begun?.outcome;
  const insert = async () => {
    const first = outcome;
    outcome = null;
    if (first) return first() ?? { inference: null, claimed: null, wakes: false };
    return it.waiter === null ? way.insert(it) : insertInference(ports.db, it);
  };
  let askedAt = ports.clock.now();
  let inserted = await insertOnce(ports, it, insert);
  if (!inserted.inference && (await isBelowOpenLimit(ports.db, it.accountId))) {
    askedAt = ports.clock.now();
    inserted = await insertOnce(ports, it, insert);
  }
  const submitted = submittedAs(inserted, askedAt, way);
  if (!submitted) takeBack(ports, it, after);
  return submitted;
}

/** What was inserted, counted and announced; null if nothing was. */
export function submittedAs({ inference, claimed, wakes }: Inserted, askedAt: number, way: Way): Submitted | null {
  if (!inference) return null;
  const { model, version } = inference;
  observed.count("accepted", [model, version]);
  way.announce(wakes ? { model, version } : null);
  return { inference, replayed: false, claimed, askedAt };
}

/**
 * Accepts submissions of one account, all or none; one whose key another before it has is that one's replay. Throws the refusal of the
 * first that is refused, with its place; a conflict if some, but not all, were accepted by an earlier submit under their keys.
 */
export async function submitAll(ports: Ports, all: readonly Submission[], after: After): Promise<Submitted[]> {
  const firsts: number[] = [];
  const places = new Map<string, number>();
  const placeOf = all.map(({ idempotency }, index) => {
    const known = idempotency ? places.get(idempotency.key) : undefined;
    if (known !== undefined) {
      if (all[firsts[known] ?? 0]?.idempotency?.fingerprint === idempotency?.fingerprint) return known;
      throw problem("idempotency_key_reused", { detail: `Item ${index} has the key of item ${firsts[known]}, and another body.` });
    }
    if (idempotency) places.set(idempotency.key, firsts.length);
    return firsts.push(index) - 1;
  });
  const submitted = await submitApart(
    ports,
    firsts.flatMap((index) => all[index] ?? []),
    (place) => firsts[place] ?? place,
    after,
  );
  return placeOf.flatMap((place, index) => {
    const one = submitted[place];
    return one ? { ...one, replayed: one.replayed || firsts[place] !== index } : [];
  });
}

/** The same of some of which no two have the same key; `itemOf` is which of all one is. */
async function submitApart(
  ports: Ports,
  submissions: readonly Submission[],
  itemOf: (place: number) => number,
  after: After,
): Promise<Submitted[]> {
  for (let tries = 0; tries < SCHEMA_TRIES; tries++) {
    const schemas = new Map<string, ModelSchemas>();
    for (const submission of submissions) {
      const { model } = submission;
      schemas.set(model, schemas.get(model) ?? (await findSchemas(ports.db, model)) ?? NO_SCHEMAS);
      const refused = refusalOfInput(schemas.get(model) ?? NO_SCHEMAS, submission) ?? (await refusalBefore(ports, submission));
      if (refused) throw refused;
    }
    const rows = await Promise.all(
      submissions.map((submission) => prepared(ports, submission, schemas.get(submission.model) ?? NO_SCHEMAS)),
    );
    const askedAt = ports.clock.now();
    const inserted = await askAgain(() => insertAllOrNone(ports.db, rows, writtenNotes(ports.isolate)));
    if (inserted) {
      for (const { model, version } of inserted) observed.count("accepted", [model, version]);
      const lanes = new Map(inserted.flatMap(({ model, version }) => [[`${model} ${version}`, { model, version }]]));
      after(
        hintWork(
          ports,
          [...lanes.values()].flatMap((lane) => Array.from({ length: WAKE_UPS_PER_LANE }, () => lane)),
        ),
      );
      hintSweep(ports, after);
      return inserted.map((inference) => ({ inference, replayed: false, claimed: null, askedAt }));
    }
    for (const row of rows) takeBack(ports, row, after);
    const earlier = await Promise.all(submissions.map((submission) => replayOf(ports, submission)));
    const all = earlier.flatMap((one) => one ?? []);
    if (all.length === submissions.length) return all;
    const [known] = earlier.flatMap((one, index) => (one ? [index] : []));
    if (known !== undefined)
      throw problem("conflict", { detail: `Item ${itemOf(known)} was submitted before, and others were not; send those without it.` });
    let [count, bytes, rowBytes] = [0, 0, 0]; // of those before
    for (const [index, submission] of submissions.entries()) {
      const { open, stored, inDatabase, ...standing } = await standingOf(ports, submission.accountId, wantedIn(submission));
      const withThose = { ...standing, open: open + count, stored: stored + bytes, inDatabase: inDatabase + rowBytes };
      const reason = refusalIn(submission, withThose);
      if (reason && !(reason.code === "too_many_open" && (await isBelowOpenLimit(ports.db, submission.accountId)))) {
        if (reason.code === "too_many_open" && open + submissions.length > standing.openLimit && open < standing.openLimit)
          throw tooManyAtOnce(submissions.length, open, standing.openLimit);
        throw reason.code === "model_not_found" ? ofItem(reason, itemOf(index)) : reason;
      }
      const charges = chargesOf(submission);
      [count, bytes, rowBytes] = [count + 1, bytes + charges.bytes, rowBytes + charges.rowBytes];
    }
  }
  throw problem("unavailable", { headers: { "Retry-After": "1" } });
}

/** What refuses several for which there is not room together, though there is for some. */
function tooManyAtOnce(count: number, open: number, openLimit: number): Problem {
  const cure = count > openLimit ? "Send fewer in a call." : "Wait until some have ended, or send fewer in a call.";
  return problem("too_many_open", {
    detail: `The account has ${open} open inferences and may have ${openLimit}, and this call would add ${count}. ${cure}`,
    headers: { "Retry-After": String(Math.ceil(OPEN_COUNT_MS / 1000)) },
    members: { open_inferences: open, open_limit: openLimit },
  });
}

/** A refusal of one of several, which says of which. */
function ofItem({ code, detail }: Problem, index: number): Problem {
  return problem(code, { detail: `Item ${index}: ${detail}`, faults: [{ path: [index, "model"], detail }] });
}

/** The submits of an isolate that are under way. */
const underWay = new WeakMap<object, Together<NewInference, Inserted>>();

/** Each by itself, written together with those that came at the same moment. */
function withOthers(ports: Ports, after: After): Way {
  const { db, clock, isolate } = ports;
  const submits = underWay.get(isolate) ?? new Together<NewInference, Inserted>(clock);
  underWay.set(isolate, submits);
  return {
    insert: (it) => submits.ask(it, (all) => insertTogether(db, all, writtenNotes(isolate)), after),
    announce(lane) {
      if (lane) after(hintWork(ports, [lane]));
      hintSweep(ports, after);
    },
  };
}

/** The answer to an earlier submit under the same key; null if there was none. Throws if that was another submit. */
async function replayOf(ports: Ports, { accountId, idempotency }: Submission): Promise<Submitted | null> {
  if (!idempotency) return null;
  const earlier = await findByIdempotencyKey(ports.db, accountId, idempotency.key);
  const replayed = earlier && replayedAs(earlier, { idempotency }, ports.clock.now());
  if (replayed && !("inference" in replayed)) throw replayed;
  return replayed;
}

/** The answer to a submit whose key stands for an earlier one, or what refuses it. */
export function replayedAs(
  { inference, fingerprint }: Earlier,
  { idempotency }: Pick<Submission, "idempotency">,
  askedAt: number,
): Submitted | Problem {
  if (fingerprint !== idempotency?.fingerprint) {
    const detail = `The idempotency key ${shown(idempotency?.key)} was used for another path or body in the last 24 hours. Use a key of its own for each inference.`;
    return problem("idempotency_key_reused", { detail });
  }
  return { inference: newlyQueued({ ...inference, startBy: inference.createdAt }), replayed: true, claimed: null, askedAt };
}

/** As modelNotFound, for what a client may take for a model's name. */
function notServed(asked: Submission, known: Parameters<typeof modelNotFound>[1]): Problem {
  const { model } = asked;
  if (isAddress(model)) {
    const detail = `"model" is the address "${model}", and must be a model's name. Some clients send their endpoint's address if they are given no model.`;
    return problem("model_not_found", { detail });
  }
  return modelNotFound(asked, known);
}
