/**
 * RunPod's API of serverless endpoints that have a queue: run, status, stream, cancel, retry, health. It stands under
 * `/runpod/v2/{endpoint}`, since others have `/v2`. An endpoint is a model by its name; `{model}/versions/{version}` is one of its
 * versions, and a client that is given that for the name of its endpoint sends it so. Each success is exactly 200: their client for
 * Node takes any other for a failure.
 * Source: docs.runpod.io/serverless/endpoints (operation reference, send requests, job states); runpod-sdk 1.1.2, runpod 1.12.0 and
 * runpod/go-sdk, which sends a POST where the pages have a GET.
 * Decided here, where RunPod publishes nothing:
 * - an error is `{"error"}` under its status; a fault in a body is 400, and members that are not published are ignored, but for
 *   two: `s3Config`, whose secrets must not be stored, and `webhookV2`, which would be waited for in vain;
 * - an id is enough to find a job: the endpoint before it counts for nothing. Ids are plain UUIDs; theirs, with `-u1` or `sync-`, are unknown;
 * - an attempt that runs for too long is `TIMED_OUT`, as what waits for too long is;
 * - `policy.ttl` expires what has not begun by then, and cancels what runs. Without it a job may wait for a day, as theirs. What is
 *   published for longer than we allow is taken for as long as we do: both are upper bounds, and a client that is refused runs nothing;
 * - a call waits for 60 s at most, and then answers the job as it stands: their clients go on asking;
 * - a cancel of what has ended answers the job as it is; a retry of what has neither failed nor timed out is 409;
 * - an output that is neither JSON nor tensors, or has more than 10 MB, is `{"url", "content_type", "file_size"}`, with a signed link; files
 *   that came out of JSON are such links too;
 * - `health` counts what waits and runs of the model, and what has ended of the account that asks. A worker is a slot of a backend;
 * - `stream` gives each chunk once (stream.ts). `purge-queue` cancels what the account has waiting for the model, and says `partial` if
 *   there was more than one call can do. `requests` is not served, since its form is not published;
 * - `openai/…` after an endpoint is OpenAI's wire: the model is the body's, not the endpoint before it;
 * - the webhook is sent the job, at each end.
 */
import * as z from "zod";
import { resultLink } from "../../api/links.ts";
import { asksToStream } from "../../api/submission.ts";
import { JSON_TYPE } from "../../content/content.ts";
import { writeJson } from "../../encoding/json.ts";
import { cachingOf, json, jsonText, replayHeaders, unlessKnown } from "../../http/answer.ts";
import { lookUp, mayRead, nameIn, notFoundAs } from "../../http/lookup.ts";
import { waitedFor } from "../../http/prefer.ts";
import { type Dialect, type Input, type KeyCall, type Route, type RouteShape, route } from "../../http/route.ts";
import { idempotencyOf, submitterOf, webhookOf } from "../../http/vetted.ts";
import { cancel as cancelInference, cancelWaiting, redrive } from "../../inferences/change.ts";
import type { Inference } from "../../inferences/inference.ts";
import { depthOf, statisticsOf } from "../../inferences/sql/read.ts";
import { isFinal } from "../../inferences/status.ts";
import { type Submitted, submit } from "../../inferences/submit.ts";
import { waitForEnd } from "../../inferences/watch.ts";
import { BACKEND_TIMEOUT_SECONDS, MAX_TIME_IN_QUEUE_SECONDS, PREFER_WAIT_SECONDS, PRIORITY } from "../../limits.ts";
import type { Lane } from "../../models/lane.ts";
import { findModel } from "../../models/store.ts";
import { modelNotFound } from "../../models/unknown.ts";
import { type Problem, faultsText, problem } from "../../problem.ts";
import { itemsIn } from "../../tensors/plain.ts";
import { openai } from "../openai/openai.ts";
import { jobText, outputText, statusOf } from "./present.ts";
import {
  CANCEL,
  GET_STATUS,
  HEALTH,
  type Health,
  POST_STATUS,
  POST_WAIT_FOR_STATUS,
  PURGE,
  type Purged,
  RETRY,
  RUN,
  RUN_SYNC,
  STREAM,
  WAIT_FOR_STATUS,
  errorSchema,
} from "./schemas.ts";
import { HELD_MS, streamJob } from "./stream.ts";

const ROOT = "/runpod/v2";

/** For how long a job may wait unless its policy says so; published. */
const TTL_SECONDS = 86_400;

export const runpod: Dialect = {
  name: "runpod",
  title: "RunPod API of serverless endpoints",
  owns: (path) => /^\/runpod(?:\/|$)/.test(path),
  pathOf(_hostname, path) {
    const asked = path.startsWith(`${ROOT}/`) ? /^[^/]+\/openai(\/.*)$/.exec(path.slice(ROOT.length + 1))?.[1] : undefined;
    return asked !== undefined && openai.owns(asked) ? asked : null;
  },
  error: errorSchema,
  routes: ["", "/versions/:version"].flatMap(callsUnder),
  async presentEvent({ inference, payloads, resultLink: link }) {
    const output = inference.status === "succeeded" ? await outputText(payloads, inference, link) : null;
    return { body: jobText(inference, output) };
  },
  refuse(fault: Problem) {
    const { faults, headers } = fault;
    const error = faults.length > 0 ? faultsText(faults) : fault.detail;
    const status = fault.code === "invalid_input" ? 400 : fault.status;
    return json({ error } satisfies z.infer<typeof errorSchema>, { status, headers: { ...headers } });
  },
};

function callsUnder(version: string): Route[] {
  const endpoint = z.object({
    model: z.string().describe("The model's name."),
    ...(version === "" ? {} : { version: z.string().describe("A version of the model.") }),
  });
  const job = endpoint.extend({ id: z.string().describe("The job's id.") });
  const path = (call: string) => `${ROOT}/:model${version}/${call}`;
  const of = <const S extends RouteShape>(params: z.ZodObject, shape: S) => ({ ...shape, params });
  return [
    route("submit", "POST", path("run"), of(endpoint, RUN), run),
    route("submit", "POST", path("runsync"), of(endpoint, RUN_SYNC), runSync),
    route("read", "GET", path("status/:id"), of(job, GET_STATUS), showJob),
    route("read", "POST", path("status/:id"), of(job, POST_STATUS), async (call: KeyCall) => answer(call, await lookUp(call, notFound))),
    route("read", "GET", path("status-sync/:id"), of(job, WAIT_FOR_STATUS), waitForJob),
    route("read", "POST", path("status-sync/:id"), of(job, POST_WAIT_FOR_STATUS), waitForJob),
    route("read", "GET", path("stream/:id"), of(job, STREAM), showStream),
    route("read", "POST", path("stream/:id"), of(job, STREAM), showStream),
    route("cancel", "POST", path("cancel/:id"), of(job, CANCEL), cancel),
    route("submit", "POST", path("retry/:id"), of(job, RETRY), retry),
    route("cancel", "POST", path("purge-queue"), of(endpoint, PURGE), purgeQueue),
    route("read", "GET", path("health"), of(endpoint, HEALTH), showHealth),
  ];
}

// Submit

async function run(call: KeyCall, input: Input<typeof RUN>): Promise<Response> {
  const submitted = await submitJob(call, input);
  return answer(call, submitted.inference, replayHeaders(submitted));
}

async function runSync(call: KeyCall, input: Input<typeof RUN_SYNC>): Promise<Response> {
  const submitted = await submitJob(call, input);
  return answer(call, await atEnd(call, submitted.inference, input.query.wait), replayHeaders(submitted));
}

async function submitJob(call: KeyCall, { body, text }: Pick<Input<typeof RUN>, "body" | "text">): Promise<Submitted> {
  const { input, webhook } = body;
  const { executionTimeout, ttl, lowPriority } = body.policy ?? {};
  const ttlSeconds = seconds(ttl);
  const runSeconds = seconds(executionTimeout);
  return submit(
    call.ports,
    {
      ...submitterOf(call),
      dialect: "runpod",
      model: call.params["model"] ?? "",
      version: call.params["version"],
      input: { body: writeJson(input), contentType: JSON_TYPE },
      inputPath: ["input"],
      given: { value: input },
      inputItems: itemsIn(input),
      resumable: asksToStream(input),
      priority: lowPriority === true ? PRIORITY.range[1] : undefined,
      maxTimeInQueueSeconds: Math.min(ttlSeconds ?? TTL_SECONDS, MAX_TIME_IN_QUEUE_SECONDS.range[1]),
      cancelAfterSeconds: ttlSeconds,
      runWithinSeconds: runSeconds && Math.min(runSeconds, BACKEND_TIMEOUT_SECONDS.range[1]),
      webhook: typeof webhook === "string" ? await webhookOf(call, webhook, ["webhook"]) : undefined,
      idempotency: await idempotencyOf(call, text),
    },
    call.after,
  );
}

const seconds = (ms: number | null | undefined) => (typeof ms === "number" ? Math.ceil(ms / 1000) : undefined);

// One job

const notFound = notFoundAs((id) => `There is no job "${id}".`);

async function showJob(call: KeyCall): Promise<Response> {
  const { inference, headers } = await waitedFor(call, () => lookUp(call, notFound), notFound);
  return answer(call, inference, headers);
}

function showStream(call: KeyCall, { query: { wait } }: Input<typeof STREAM>): Promise<Response> {
  return streamJob(call, wait === undefined ? HELD_MS : heldMs(wait), notFound);
}

async function waitForJob(call: KeyCall, { query }: Pick<Input<typeof WAIT_FOR_STATUS>, "query">): Promise<Response> {
  return answer(call, await atEnd(call, await lookUp(call, notFound), query.wait));
}

const heldMs = (askedMs: number) => Math.min(askedMs, PREFER_WAIT_SECONDS.range[1] * 1000);

/** The job at its end, or as it stands when the time is over. */
async function atEnd(call: KeyCall, inference: Inference, ms: number): Promise<Inference> {
  if (isFinal(inference.status)) return inference;
  const waited = await waitForEnd(call.ports, inference, heldMs(ms), { gone: call.request.signal, after: call.after });
  if (!waited) throw notFound(inference.id);
  return waited;
}

/** The job. With a link in it, its answer is another one when the link is, which dies with the key that asked. */
async function answer(call: KeyCall, inference: Inference, more: Readonly<Record<string, string>> = {}): Promise<Response> {
  const headers = { ...cachingOf(inference), ...more };
  if (inference.status !== "succeeded") return asRead(call, jsonText(jobText(inference, null), { headers }));
  const { ETag = "" } = headers;
  const text = await outputText(call.ports.payloads, inference, async (part) => {
    const { url, expiresAt } = await resultLink(call, inference.id, part);
    Object.assign(headers, {
      ETag: `${ETag.slice(0, -1)}-${call.caller.keyId}-${expiresAt}"`,
      "Cache-Control": "private, no-cache",
    });
    return url;
  });
  if (text === null) throw problem("payload_gone", { detail: "The output is no longer stored." });
  return asRead(call, jsonText(jobText(inference, text), { headers }));
}

/** A call that changes something is answered in any case. */
const asRead = ({ request }: KeyCall, answered: Response) => (request.method === "POST" ? answered : unlessKnown(request, answered));

async function cancel(call: KeyCall): Promise<Response> {
  const name = nameIn(call, notFound);
  const canceled = await cancelInference(call.ports, name, call.after);
  if (canceled.kind === "not_found") throw notFound(name.id);
  if (!(await mayRead(call))) return jsonText(jobText(canceled.inference, null));
  return answer(call, canceled.inference);
}

async function retry(call: KeyCall): Promise<Response> {
  const name = nameIn(call, notFound);
  const redriven = await redrive(call.ports, name, call.after, true);
  switch (redriven.kind) {
    case "redriven":
      return answer(call, redriven.inference);
    case "not_found":
      throw notFound(name.id);
    case "refused":
      throw redriven.problem;
    case "input_removed":
      throw problem("payload_gone", { detail: "The job's input is no longer stored; run it as a new job." });
    case "attempts_spent":
      throw problem("conflict", { detail: `The job has had ${redriven.inference.attempt} attempts; run it as a new one.` });
    case "not_redrivable":
      throw problem("conflict", {
        detail: `Only a job that has failed or timed out can be retried; this one is ${statusOf(redriven.inference)}.`,
      });
    default:
      return redriven satisfies never;
  }
}

// The endpoint

/** How long a purge takes at most, about: their client for Node waits 3 s for its answer. */
const PURGE_MS = 1_500;

async function purgeQueue(call: KeyCall): Promise<Response> {
  const { ports, caller, after } = call;
  const { canceled, isAll } = await cancelWaiting(ports, caller.accountId, await laneIn(call), ports.clock.now() + PURGE_MS, after);
  return json({ removed: canceled, status: isAll ? "completed" : "partial" } satisfies Purged);
}

async function showHealth(call: KeyCall): Promise<Response> {
  const lane = await laneIn(call);
  const { db } = call.ports;
  const [depth, statistics] = await Promise.all([depthOf(db, lane), statisticsOf(db, call.caller.accountId, lane.model)]);
  const own = statistics.find(({ version }) => version === lane.version);
  const health: Health = {
    jobs: {
      completed: own?.succeeded ?? 0,
      failed: own?.failed ?? 0,
      inProgress: depth.inProgress,
      inQueue: depth.queued,
      retried: 0,
    },
    workers: {
      idle: depth.lane.freeSlots,
      initializing: 0,
      ready: depth.lane.capacity,
      running: depth.inProgress,
      throttled: 0,
      unhealthy: 0,
    },
  };
  return json(health);
}

/** The queue of the model's version, its default one unless the path names another. */
async function laneIn({ params, ports }: KeyCall): Promise<Lane> {
  const { model = "", version: named } = params;
  const known = await findModel(ports.db, model);
  const version = named ?? known?.defaultVersion ?? "";
  if (!known || (named !== undefined && !known.versions.includes(named))) throw modelNotFound({ model, version: named }, known);
  return { model: known.name, version };
}
