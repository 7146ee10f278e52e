/** What a call of fal's wire asks for: the model that its path names, and the settings in its headers and query. */
import * as z from "zod";
import { JSON_TYPE } from "../../content/content.ts";
import { parseJson, writeJson } from "../../encoding/json.ts";
import { check } from "../../http/body.ts";
import { metadataSchema } from "../../http/filter.ts";
import type { KeyCall } from "../../http/route.ts";
import { idempotencyOf, submitterOf, webhookOf } from "../../http/vetted.ts";
import { depthOf } from "../../inferences/sql/read.ts";
import type { Submission } from "../../inferences/submission.ts";
import { MAX_ATTEMPTS, MAX_TIME_IN_QUEUE_SECONDS, PAYLOAD_RETENTION_SECONDS, PRIORITY } from "../../limits.ts";
import { findModel } from "../../models/store.ts";
import { type Fault, Problem, problem, shown } from "../../problem.ts";
import { itemsIn } from "../../tensors/plain.ts";

// The endpoint

/** Namespaces, which their clients count as a part of an app's address. */
const NAMESPACES: ReadonlySet<string> = new Set(["workflows", "comfy"]);

/** The app of an endpoint, as the clients rebuild it from the first parts of its id, and what its id has beyond that. */
export function appOf(id: string): { readonly app: string; readonly rest: string } {
  const parts = id.split("/");
  const count = NAMESPACES.has(parts[0] ?? "") ? 3 : 2;
  return { app: parts.slice(0, count).join("/"), rest: parts.slice(count).join("/") };
}

/** What an endpoint's id is to us. */
type Target = Pick<Submission, "model" | "capability">;

/** More than a model's name may have; what is longer is none, and costs no more than this. */
const ID_CHARACTERS = 256;

/**
 * Does the work at the model of the endpoint in the path: the one that has the whole id as its name, or else the one that has the app's,
 * if what the id has beyond that is among its capabilities. Whether the first is there shows in the one write; only where it is not is the
 * other looked for. A capability is a path of the model's server, and our credential goes with the call: so it must be listed.
 */
export async function sendTo<T>(call: KeyCall, work: (target: Target) => Promise<T>): Promise<T> {
  const id = (call.params["app"] ?? "").slice(0, ID_CHARACTERS).replace(/\/+$/, "");
  try {
    return await work({ model: id });
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "model_not_found") throw error;
    const other = await otherReading(call, id);
    if (!other) throw error;
    return work(other);
  }
}

async function otherReading({ ports }: KeyCall, id: string): Promise<Target | null> {
  const { app, rest } = appOf(id);
  const known = rest === "" ? null : await findModel(ports.db, app);
  return known?.capabilities.includes(rest) ? { model: known.name, capability: `/${rest}` } : null;
}

// Settings

/** What of a query is about the queue; all else of a GET is its input. */
const WEBHOOK = "fal_webhook";
const QUEUE_LENGTH = "fal_max_queue_length";

export const querySchema = z.looseObject({
  [WEBHOOK]: z.string().optional().describe("A URL that is called when the request has ended."),
  [QUEUE_LENGTH]: z
    .string()
    .regex(/^\d{1,9}$/, "must be a whole number")
    .optional()
    .describe("It is refused if more than so many requests wait for the model."),
});
type Query = z.infer<typeof querySchema>;

/** The input that a GET has: the parameters of its query, as texts. */
export function inputIn(query: Query): Record<string, unknown> {
  return Object.fromEntries(Object.entries(query).filter(([name]) => name !== WEBHOOK && name !== QUEUE_LENGTH));
}

/** The headers that say how a request is run, each with what it is called in a refusal. */
const HEADERS = {
  timeout: "x-fal-request-timeout",
  priority: "x-fal-queue-priority",
  noRetry: "x-fal-no-retry",
  retries: "x-fal-retry-config",
  lifecycle: "x-fal-object-lifecycle-preference",
  storesIo: "x-fal-store-io",
  tags: "x-fal-tags",
} as const;

const HEADER_NAMES: ReadonlySet<unknown> = new Set(Object.values(HEADERS));

/** Where a fault stands, as fal's errors have it. */
export function placeOf([first, ...rest]: Fault["path"]): (string | number)[] {
  if (first === undefined) return ["body"];
  if (first === WEBHOOK || first === QUEUE_LENGTH) return ["query", first];
  return HEADER_NAMES.has(first) ? ["header", first, ...rest] : ["body", first, ...rest];
}

type Settings = Pick<Submission, "priority" | "maxTimeInQueueSeconds" | "retry" | "retentionSeconds" | "metadata">;

const clamped = (value: number, [least, most]: readonly [number, number]) => Math.min(most, Math.max(least, value));

function fault(header: string, detail: string, path: Fault["path"] = []): Problem {
  return problem("invalid_input", { faults: [{ path: [header, ...path], detail }] });
}

/** What the headers of a request say of it. Throws 422 that names the header. Hints of where to run it are of no use here and mean nothing. */
export function settingsOf({ headers }: Request): Settings {
  const priority = headers.get(HEADERS.priority)?.trim().toLowerCase() ?? "normal";
  if (priority !== "normal" && priority !== "low") throw fault(HEADERS.priority, `must be "normal" or "low", and is ${shown(priority)}`);
  return {
    priority: priority === "low" ? PRIORITY.range[1] : PRIORITY.default,
    ...timeoutIn(headers),
    ...retryIn(headers),
    ...retentionIn(headers),
    ...tagsIn(headers),
  };
}

/** Seconds until it has to have begun, in whole ones; as long as one may wait if it is more. */
function timeoutIn(headers: Headers): Settings {
  const text = headers.get(HEADERS.timeout);
  if (text === null) return {};
  const seconds = /^\s*\d{1,12}(?:\.\d{0,20})?\s*$/.test(text) ? Number(text) : 0;
  if (seconds <= 0) throw fault(HEADERS.timeout, `must be a number of seconds above 0, and is ${shown(text)}`);
  return { maxTimeInQueueSeconds: Math.min(MAX_TIME_IN_QUEUE_SECONDS.range[1], Math.ceil(seconds)) };
}

const retriesSchema = z.record(z.string(), z.looseObject({ retries: z.int().min(0).optional() }));

/** Our attempts are counted together, not by what each failed of: the most of them that is asked for counts. */
function retryIn(headers: Headers): Settings {
  if (/^(?:1|true|yes)$/i.test(headers.get(HEADERS.noRetry)?.trim() ?? "")) return { retry: { maxAttempts: 1 } };
  const asked = jsonIn(headers, HEADERS.retries, retriesSchema);
  const retries = Object.values(asked ?? {}).flatMap((each) => each.retries ?? []);
  return retries.length === 0 ? {} : { retry: { maxAttempts: clamped(Math.max(...retries) + 1, MAX_ATTEMPTS.range) } };
}

/** How long input and output are kept, within what we can keep: as short as that is for what is not to be stored. */
function retentionIn(headers: Headers): Settings {
  const { range } = PAYLOAD_RETENTION_SECONDS;
  if (headers.get(HEADERS.storesIo)?.trim() === "0") return { retentionSeconds: range[0] };
  const seconds = lifecycleIn(headers, HEADERS.lifecycle);
  return seconds === null ? {} : { retentionSeconds: clamped(seconds, range) };
}

const lifecycleSchema = z.looseObject({ expiration_duration_seconds: z.number().positive().nullish() });

/** For how many whole seconds something is to be kept; null if the header does not say. */
export function lifecycleIn(headers: Headers, header: string): number | null {
  const seconds = jsonIn(headers, header, lifecycleSchema)?.expiration_duration_seconds ?? null;
  return seconds === null ? null : Math.ceil(seconds);
}

/** `k=v` with commas between. */
function tagsIn(headers: Headers): Settings {
  const text = headers.get(HEADERS.tags)?.trim() ?? "";
  if (text === "") return {};
  const pairs = text.split(",").map((pair) => {
    const [name = "", ...value] = pair.split("=");
    if (value.length === 0 || name.trim() === "")
      throw fault(HEADERS.tags, `must be pairs as in "name=value", and has ${shown(pair.trim())}`);
    return [name.trim(), value.join("=").trim()] as const;
  });
  return { metadata: checked(HEADERS.tags, metadataSchema, Object.fromEntries(pairs)) };
}

/** The JSON in a header, as the schema has it; null if it is not sent. */
function jsonIn<T>(headers: Headers, header: string, schema: z.ZodType<T>): T | null {
  const text = headers.get(header);
  if (text === null || text.trim() === "") return null;
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    throw fault(header, "must be JSON");
  }
  return checked(header, schema, value);
}

/** As `check`; its faults stand in the header. */
function checked<T>(header: string, schema: z.ZodType<T>, value: unknown): T {
  try {
    return check(schema, value);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    throw problem("invalid_input", { faults: error.faults.map(({ path, detail }) => ({ path: [header, ...path], detail })) });
  }
}

// The submission

/** What a request is submitted as, but for its model. */
export async function submissionOf(call: KeyCall, input: unknown, text: string, query: Query): Promise<Omit<Submission, keyof Target>> {
  const webhook = query[WEBHOOK];
  return {
    ...submitterOf(call),
    dialect: "fal",
    input: { body: writeJson(input), contentType: JSON_TYPE },
    given: { value: input },
    inputItems: itemsIn(input),
    ...settingsOf(call.request),
    ...(webhook === undefined ? {} : { webhook: await webhookOf(call, webhook, [WEBHOOK]) }),
    idempotency: call.request.method === "GET" ? null : await idempotencyOf(call, text),
  };
}

/** Throws 429 if more requests than the query says wait for the model already, of all accounts. */
export async function mustNotBeLong({ ports }: KeyCall, query: Query, { model }: Target): Promise<void> {
  const most = query[QUEUE_LENGTH];
  if (most === undefined) return;
  const known = await findModel(ports.db, model);
  if (!known) return; // the submit says so
  const { queued } = await depthOf(ports.db, { model, version: known.defaultVersion });
  if (queued <= Number(most)) return;
  throw problem("too_many_waiting", {
    detail: `${queued} requests wait for the model, and ${QUEUE_LENGTH} is ${most}.`,
    headers: { "Retry-After": "1" },
  });
}
