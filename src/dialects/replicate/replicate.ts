/**
 * Replicate's HTTP API: predictions (create, get, list, cancel, follow), the catalogue of models, files, the account, and the secret of
 * webhooks. Its clients are pointed at `{origin}/replicate/v1`; those for Python before 2.0 add the `/v1` themselves.
 * - `version` names a model by `owner/name`, a version by `owner/name:version`, or a version alone, if one model has it; a model that is
 *   registered under the very text comes first. A deployment is the model of its name. A model without an owner is called by `version`.
 * - `Prefer: wait` waits for up to 60 s. One that was not over by then is `starting`, also if it runs, since clients ask on only for that.
 * - What waited too long is `failed`, with an error that says so; one whose `Cancel-After` is over is `canceled`. `aborted` is never said:
 *   published clients do not know it for an end, and would ask for ever.
 * - An output is what the model's server gave. A file in it, an output that is not JSON, and JSON of more than 10 MB are links that need no
 *   key; files that came beside an output are a list of links, or one if there is one. They are good for an hour at least, and die with the
 *   key that asked.
 * Decided here, where Replicate publishes nothing:
 * - a create answers 201 in any case; a cancel of what has ended answers it as it stands;
 * - the address of a file, in an input, is the file: its model's server gets it as it does any other;
 * - an input of another wire that is no object is in one, as `value`; one too large for a row is `{"url", "content_type", "file_size"}`;
 * - without `stream`, the output of a text model is kept while it comes, unless the call waits: clients ask for streams without a word;
 * - a webhook hears of `output` when the prediction has succeeded or its model reports progress, of `logs` with the latter;
 * - the secret of webhooks is answered once, as everywhere here, and then refused with 409: keep it in the settings of the receiver;
 * - `metadata` of files is checked and not kept; pages have no `previous`; a search of models (QUERY) is 405.
 * Source: "Replicate HTTP API" 1.0.0-a1, and what the clients for JavaScript (1.4.0) and Python (1.0.7, 2.0.0b4) send.
 */
import type * as z from "zod";
import { findAccount } from "../../accounts/store.ts";
import { resultLinks } from "../../api/links.ts";
import { JSON_TYPE } from "../../content/content.ts";
import { writeJson } from "../../encoding/json.ts";
import { json, jsonText, replayHeaders, unlessKnown } from "../../http/answer.ts";
import { lookUp, mayRead, nameIn, notFoundAs } from "../../http/lookup.ts";
import { cursorOf, keyIn } from "../../http/page.ts";
import { endWithin, preferredWait, waitedFor } from "../../http/prefer.ts";
import { type Dialect, type Input, type KeyCall, route } from "../../http/route.ts";
import { idempotencyOf, submitterOf, webhookOf } from "../../http/vetted.ts";
import { cancel as cancelInference } from "../../inferences/change.ts";
import type { Inference } from "../../inferences/inference.ts";
import { findGiven, listWithInputs } from "../../inferences/sql/read.ts";
import { STATUSES, isFinal } from "../../inferences/status.ts";
import type { Submission } from "../../inferences/submission.ts";
import { type Submitted, submit } from "../../inferences/submit.ts";
import { ENDS, type EventName } from "../../inferences/webhook.ts";
import { CANCEL_AFTER_SECONDS } from "../../limits.ts";
import { type Problem, faultsText, problem, shown } from "../../problem.ts";
import { itemsIn } from "../../tensors/plain.ts";
import type { DeliveryMessage, WebhookEvent } from "../../webhooks/deliver.ts";
import { showSecret } from "../../webhooks/secrets.ts";
import { fileRoutes } from "./files.ts";
import { streamUrl } from "./links.ts";
import { catalogueRoutes, toVersion } from "./models.ts";
import { type Showing, bareText, inputText, predictionText, startingText, validatorsOf, withReferences } from "./present.ts";
import {
  CANCEL,
  CREATE,
  CREATE_BY_DEPLOYMENT,
  CREATE_BY_MODEL,
  GET,
  GET_ACCOUNT,
  GET_SECRET,
  LIST,
  type NewPrediction,
  PAGE_ITEMS,
  ROOT,
  type WEBHOOK_EVENTS,
  errorSchema,
} from "./schemas.ts";
import { STREAM_ENDS, streamRoutes } from "./streams.ts";

export const replicate: Dialect = {
  name: "replicate",
  title: "Replicate HTTP API",
  owns: (path) => path === "/replicate" || path.startsWith("/replicate/"),
  error: errorSchema,
  routes: [
    route("submit", "POST", `${ROOT}/predictions`, CREATE, (call, { body, text }) =>
      create(call, body, text, (work) => toVersion(call, body.version, work)),
    ),
    route("submit", "POST", `${ROOT}/models/:model+/predictions`, CREATE_BY_MODEL, createByModel),
    route("submit", "POST", `${ROOT}/deployments/:model+/predictions`, CREATE_BY_DEPLOYMENT, createByModel),
    route("read", "GET", `${ROOT}/predictions`, LIST, list),
    route("read", "GET", `${ROOT}/predictions/:id`, GET, get),
    route("cancel", "POST", `${ROOT}/predictions/:id/cancel`, CANCEL, cancel),
    ...streamRoutes,
    ...catalogueRoutes,
    ...fileRoutes,
    route("read", "GET", `${ROOT}/account`, GET_ACCOUNT, showAccount),
    // As the calls that make it known elsewhere: who may only read must not be able to sign.
    route("submit", "GET", `${ROOT}/webhooks/default/secret`, GET_SECRET, getSecret),
  ],
  streamEnds: STREAM_ENDS,
  presentEvent,
  refuse({ status, title, detail, faults, headers }: Problem) {
    const invalid = faults.map((fault) => ({ type: "invalid" as const, field: fault.path.join("."), description: fault.detail }));
    const error: z.infer<typeof errorSchema> = {
      title,
      detail: faults.length > 0 ? `${faultsText(faults)}.` : detail,
      status,
      ...(invalid.length > 0 ? { invalid_fields: invalid } : {}),
    };
    return json(error, { status, headers: { "Content-Type": "application/problem+json", ...headers } });
  },
};

const notFound = notFoundAs((id) => `There is no prediction "${id}".`);

// Create

/** The most that a call may wait, and what it waits if it says no number. */
const WAIT_SECONDS = 60;
const WAIT = { range: [1, WAIT_SECONDS], bare: WAIT_SECONDS } as const;

/** The shortest `Cancel-After`. */
const CANCEL_AFTER_LEAST_SECONDS = 5;

function createByModel(call: KeyCall, { body, text }: Pick<Input<typeof CREATE_BY_MODEL>, "body" | "text">): Promise<Response> {
  return create(call, body, text, (work) => work({ model: call.params["model"] ?? "" }));
}

type Target = Pick<Submission, "model" | "version">;
type Work = (target: Target) => Promise<Submitted>;

async function create(call: KeyCall, body: NewPrediction, text: string, at: (work: Work) => Promise<Submitted>): Promise<Response> {
  const { ports, request, origin } = call;
  const seconds = preferredWait(request.headers, WAIT);
  const cancelAfterSeconds = cancelAfterIn(request.headers);
  const { input, webhook } = body;
  const given = writeJson(input);
  const submission = {
    ...submitterOf(call),
    dialect: "replicate",
    input: { body: withReferences(given, origin), contentType: JSON_TYPE },
    inputPath: ["input"],
    given: { value: input },
    inputItems: itemsIn(input),
    cancelAfterSeconds,
    resumable: body.stream ?? (seconds === null && asksForText(input)),
    ...(webhook ? { webhook: await webhookOf(call, webhook, ["webhook"], eventsOf(body.webhook_events_filter)) } : {}),
    idempotency: await idempotencyOf(call, text),
  };
  const submitted = await at((target) => submit(ports, { ...submission, ...target }, call.after));
  const first = submitted.inference;
  const inference = seconds === null ? first : await endWithin(call, first, seconds, notFound);
  const cancelAt = cancelAfterSeconds === undefined ? null : first.createdAt + cancelAfterSeconds * 1000;
  const showing = { ...(await showingOf(call, inference)), cancelAt };
  const answer = isFinal(inference.status) ? await predictionText(inference, given, showing) : startingText(inference, given, showing);
  const waited: Record<string, string> = seconds === null ? {} : { "Preference-Applied": `wait=${seconds}` };
  const location = { Location: showing.self };
  return jsonText(answer, { status: 201, headers: { ...location, ...waited, ...replayHeaders(submitted) } });
}

/** Whether an input is what text models take: their servers can answer bit by bit, any other server is not asked to. */
function asksForText({ prompt, messages, text_input }: Readonly<Record<string, unknown>>): boolean {
  return typeof prompt === "string" || Array.isArray(messages) || typeof text_input === "string";
}

/** `Cancel-After`: seconds, or a duration such as `30s`, `5m` or `1h30m45s`. Undefined without one; throws 400 for one that is none, or out of range. */
function cancelAfterIn(headers: Headers): number | undefined {
  const text = headers.get("cancel-after")?.trim();
  if (text === undefined) return undefined;
  const [, hours, minutes, last] = /^(?=\d)(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s?)?$/i.exec(text) ?? [];
  const known = [hours, minutes, last].some((part) => part !== undefined);
  const seconds = known ? Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(last ?? 0) : Number.NaN;
  const most = CANCEL_AFTER_SECONDS.range[1];
  if (seconds >= CANCEL_AFTER_LEAST_SECONDS && seconds <= most) return seconds;
  const range = `from ${CANCEL_AFTER_LEAST_SECONDS} s to ${most / 86_400} days`;
  throw problem("bad_request", {
    detail: `The header Cancel-After must be a duration ${range}, such as "90", "30s" or "1h30m", and is ${shown(text)}.`,
  });
}

const HEARD: Readonly<Record<(typeof WEBHOOK_EVENTS)[number], readonly EventName[]>> = {
  start: ["inference.started"],
  output: ["inference.progress", "inference.succeeded"],
  logs: ["inference.progress"],
  completed: ENDS,
};

/** The events that a filter asks for; without one, or with an empty one, all. */
function eventsOf(filter: NewPrediction["webhook_events_filter"]): readonly EventName[] {
  const wanted = filter && filter.length > 0 ? filter : (Object.keys(HEARD) as (keyof typeof HEARD)[]); // as the line above has them
  return [...new Set(wanted.flatMap((event) => HEARD[event]))];
}

// Show

/** What an answer to this call shows beside a prediction. */
async function showingOf(call: KeyCall, inference: Inference): Promise<Showing & { readonly self: string }> {
  const { origin, ports } = call;
  const { id } = inference;
  return {
    origin,
    self: `${origin}${ROOT}/predictions/${id}`,
    payloads: ports.payloads,
    resultLink: resultLinks(call, inference),
    stream: await streamUrl(call, inference),
  };
}

async function get(call: KeyCall): Promise<Response> {
  const name = nameIn(call, notFound);
  const given = findGiven(call.ports.db, name.accountId, name.id);
  given.catch(() => undefined); // looked at below
  const { inference, headers } = await waitedFor(call, () => lookUp(call, notFound), notFound);
  const text = await textOf(call, inference, await given);
  return unlessKnown(
    call.request,
    jsonText(text, { headers: { ...validatorsOf(inference, call.caller.keyId, call.ports.clock.now()), ...headers } }),
  );
}

async function textOf(call: KeyCall, inference: Inference, given: Awaited<ReturnType<typeof findGiven>>): Promise<string> {
  const showing = { ...(await showingOf(call, inference)), cancelAt: given?.cancelAt ?? null };
  return predictionText(inference, inputText(given?.input ?? null, inference.id, call.origin), showing);
}

async function cancel(call: KeyCall): Promise<Response> {
  const name = nameIn(call, notFound);
  const canceled = await cancelInference(call.ports, name, call.after);
  if (canceled.kind === "not_found") throw notFound(name.id);
  const { inference } = canceled;
  if (!(await mayRead(call))) return jsonText(bareText(inference, call.origin));
  const given = await findGiven(call.ports.db, name.accountId, name.id);
  return jsonText(await textOf(call, inference, given), { headers: validatorsOf(inference, call.caller.keyId, call.ports.clock.now()) });
}

async function list(call: KeyCall, { query }: Input<typeof LIST>): Promise<Response> {
  const { db } = call.ports;
  const { cursor = "", created_after, created_before, source } = query;
  const before = keyIn(cursor, "cursor") || null;
  const filter = { statuses: STATUSES, createdAfter: created_after, createdBefore: created_before };
  const page = { before, offset: 0, limit: PAGE_ITEMS + 1 };
  const rows = source === "web" ? [] : await listWithInputs(db, call.caller.accountId, filter, page);
  const shownRows = rows.slice(0, PAGE_ITEMS);
  const results = await Promise.all(
    shownRows.map(({ inference, input }) => {
      const showing = { origin: call.origin, payloads: null, resultLink: resultLinks(call, inference) };
      return predictionText(inference, inputText(input, inference.id, call.origin), showing);
    }),
  );
  const last = rows.length > PAGE_ITEMS ? shownRows.at(-1)?.inference.id : undefined;
  const next = last === undefined ? null : nextUrl(call, cursorOf(last));
  return jsonText(`{"next":${writeJson(next)},"previous":null,"results":[${results.join(",")}]}`);
}

/** The address of this list's next page. */
function nextUrl({ url, origin }: KeyCall, cursor: string): string {
  const parameters = new URLSearchParams(url.searchParams);
  parameters.set("cursor", cursor);
  return `${origin}${url.pathname}?${parameters.toString()}`;
}

/** The prediction, as the event left it. Who receives it may read its result by a link; its stream is for who has a key. */
async function presentEvent({ inference, origin, payloads, resultLink, input }: WebhookEvent): Promise<DeliveryMessage> {
  const given = inputText(await input(), inference.id, origin);
  return { body: await predictionText(inference, given, { origin, payloads, resultLink }) };
}

// Account

async function showAccount({ ports, caller }: KeyCall): Promise<Response> {
  const account = await findAccount(ports.db, caller.accountId);
  if (!account) throw problem("revoked_key"); // gone since its gate looked
  return json({ type: "organization", username: account.id, name: account.name });
}

/** A HEAD would use up the one time that it is shown. */
async function getSecret({ ports, request, caller, config }: KeyCall): Promise<Response> {
  if (request.method === "HEAD")
    throw problem("method_not_allowed", { detail: "HEAD does not show the secret, which is shown once.", headers: { Allow: "GET" } });
  const key = await showSecret(ports, caller.accountId, config.keySecrets);
  if (key !== null) return json({ key });
  throw problem("conflict", {
    detail:
      "The signing secret was shown before, and is shown once. Keep it in your settings, or make a new one by POST /v1/webhooks/rotate.",
  });
}
