/** `/admin/v1/backends`: the GPU servers that serve a model, and whether they are ready. */
import * as z from "zod";
import { descriptionOf, readinessOf } from "../backends/protocols.ts";
import {
  BACKEND_STATES,
  type Backend,
  FILE_FORMS,
  PROTOCOL_NAMES,
  changeBackend,
  credentialSchema,
  findBackend,
  insertBackend,
  listBackends,
  removeBackend,
} from "../backends/store.ts";
import { json } from "../http/answer.ts";
import { type Call, type RouteShape, route } from "../http/route.ts";
import { badCursor, pageQuery } from "../http/page.ts";
import { wholeIn } from "../http/range.ts";
import { time, timeSchema } from "../http/time.ts";
import { randomBase62 } from "../ids.ts";
import { hintWork } from "../inferences/hints.ts";
import { BACKEND_TIMEOUT_SECONDS, MAX_CONCURRENCY, WAKE_UPS_PER_LANE } from "../limits.ts";
import { findModel } from "../models/store.ts";
import { problem } from "../problem.ts";
import { modelNameSchema, pathNameSchema } from "./models.ts";
import { PREFIX, found, given, routesOf } from "./resource.ts";

const backendSchema = z.lazy(() =>
  z.object({
    id: z.string(),
    model: z.string(),
    version: z.string().nullable().describe("Null if the model has no versions."),
    url: z.string(),
    protocol: z.enum(PROTOCOL_NAMES),
    remote_model: z.string().describe("The model's name on that server."),
    credential: credentialSchema.nullable(),
    ready_path: z.string().nullable().describe("Null: readiness is asked as the protocol has it."),
    state: z.enum(BACKEND_STATES),
    max_concurrency: z.int(),
    timeout_seconds: z.int().describe("Of one attempt."),
    files: z.enum(FILE_FORMS),
    in_progress: z.int().describe("How many inferences it runs."),
    circuit: z.enum(["closed", "open", "half_open"]),
    failures: z.int().describe("In a row."),
    failures_of: z
      .string()
      .nullable()
      .describe(
        "The one account whose failures these are, unless its server says that it is not ready: `circuit` is about that account alone. Null: about all.",
      ),
    rested_until: timeSchema.nullable().describe("It gets nothing until then."),
    since: timeSchema.nullable().describe("When the failures in a row began."),
    last_error: z
      .object({ class: z.string(), code: z.string(), message: z.string(), at: timeSchema })
      .nullable()
      .describe("What went wrong there last. It stays after the backend works again."),
    mean_run_ms: z.number().nullable(),
    created_at: timeSchema,
    warnings: z.array(z.string()).optional().describe("Why it can't work as it is registered, if that is known."),
  }),
);
z.globalRegistry.add(backendSchema, { id: "Backend" });

const backendUpdateSchema = z.lazy(() =>
  z.strictObject({
    url: z
      .url({ protocol: /^https?$/, abort: true })
      .max(2_048)
      .refine((text) => new URL(text).username === "" && new URL(text).password === "", "must not contain credentials")
      .refine((text) => new URL(text).search === "" && new URL(text).hash === "", "must not have a query or fragment")
      .transform((text) => text.replace(/\/+$/, ""))
      .optional()
      .describe("Where it is, without the protocol's own path."),
    remote_model: z.string().min(1).max(256).optional().describe("The model's name on that server; its name here by default."),
    credential: credentialSchema.nullable().optional().describe("How we authenticate to the server."),
    ready_path: z
      .string()
      .max(2_048)
      .regex(/^\/(?:[^/\s\\#][^\s\\#]*)?$/, 'must be a path on the server that begins with one "/", such as "/health"')
      .nullable()
      .optional()
      .describe("A path of the server that answers GET with 2xx when the model is ready; null = as the protocol has it."),
    state: z.enum(BACKEND_STATES).optional().describe("`active` by default; a `draining` or `paused` one is given nothing."),
    max_concurrency: wholeIn(MAX_CONCURRENCY.range)
      .optional()
      .describe(`How many inferences it runs at once; ${MAX_CONCURRENCY.default} by default.`),
    timeout_seconds: wholeIn(BACKEND_TIMEOUT_SECONDS.range)
      .optional()
      .describe(`Of one attempt; ${BACKEND_TIMEOUT_SECONDS.default} by default.`),
    files: z.enum(FILE_FORMS).optional().describe("How it gets the files that an input refers to; `url` by default."),
  }),
);

const newBackendSchema = z.lazy(() =>
  backendUpdateSchema.unwrap().extend({
    model: modelNameSchema,
    version: pathNameSchema.optional().describe("The model's default version by default."),
    url: backendUpdateSchema.unwrap().shape.url.unwrap(),
    protocol: z.enum(PROTOCOL_NAMES),
  }),
);

const backendDeletedSchema = z.object({ id: z.string(), removed: z.literal(true) });

const READY = {
  summary: "Ask a backend's server whether it is ready, and what it says of its model.",
  params: z.object({ id: z.string().describe("The backend's id.") }),
  answers: {
    200: {
      description: "What it said.",
      json: z.lazy(() =>
        z.object({
          id: z.string(),
          ready: z.boolean(),
          detail: z.string().nullable().describe("Why it is not ready."),
          metadata: z.unknown().describe("Null if it says nothing of its model."),
        }),
      ),
    },
  },
} as const satisfies RouteShape;

/** A backend, and what it lacks. */
type Noted = Backend & { readonly warnings: readonly string[] };

/** A missing secret is told as soon as a backend names it: without it no attempt is made there. */
function noted({ ports }: Call, backend: Backend): Noted {
  const { credential } = backend;
  const isMissing = credential !== null && !ports.secret(credential.secret);
  const warning = `The deployment has no secret ${credential?.secret ?? ""}, so the backend can't be called. Set it with "wrangler secret put ${credential?.secret ?? ""}".`;
  return { ...backend, warnings: isMissing ? [warning] : [] };
}

function present(backend: Noted): z.infer<typeof backendSchema> {
  return {
    id: backend.id,
    model: backend.model,
    version: backend.version || null,
    url: backend.url,
    protocol: backend.protocol,
    remote_model: backend.remoteModel,
    credential: backend.credential,
    ready_path: backend.readyPath,
    state: backend.state,
    max_concurrency: backend.maxConcurrency,
    timeout_seconds: backend.timeoutSeconds,
    files: backend.files,
    in_progress: backend.inProgress,
    circuit: backend.circuit,
    failures: backend.failures,
    failures_of: backend.failuresOf,
    rested_until: time(backend.restedUntil),
    since: time(backend.failingSince),
    last_error: backend.lastError && { ...backend.lastError, at: time(backend.lastError.at) },
    mean_run_ms: backend.meanRunMs,
    created_at: time(backend.createdAt),
    ...(backend.warnings.length > 0 ? { warnings: [...backend.warnings] } : {}),
  };
}

/** As `create` makes it. */
const BACKEND_ID = /^be_[0-9A-Za-z]{12}$/;

export const backendRoutes = [
  ...routesOf({
    noun: "backend",
    path: "/backends",
    id: "id",
    shown: backendSchema,
    present,
    idOf: (backend: Noted) => backend.id,
    create: { takes: newBackendSchema, answers: backendSchema, run: create },
    list: {
      takes: pageQuery().extend({ model: z.string().optional().describe("Only those that serve this model.") }),
      run: async (call, { model, after }, limit) => {
        if (after !== "" && !BACKEND_ID.test(after)) throw badCursor();
        return (await listBackends(call.ports.db, model ?? null, after, limit)).map((backend) => noted(call, backend));
      },
    },
    find: async (call, id) => {
      const backend = await findBackend(call.ports.db, id);
      return backend && noted(call, backend);
    },
    update: { takes: backendUpdateSchema, run: update },
    delete: {
      summary: "Delete a backend. It finishes its running inferences and gets no others.",
      answers: backendDeletedSchema,
      run: remove,
    },
  }),
  route("operator", "GET", `${PREFIX}/backends/:id/ready`, READY, getReadiness),
];

async function create(call: Call, body: z.infer<typeof newBackendSchema>): Promise<z.infer<typeof backendSchema>> {
  const { ports } = call;
  const model = await findModel(ports.db, body.model);
  if (!model)
    throw problem("invalid_input", { faults: [{ path: ["model"], detail: `must be the name of a model, and is "${body.model}"` }] });
  const backend = await insertBackend(ports.db, {
    id: `be_${randomBase62(12, ports.randomBytes)}`,
    model: model.name,
    version: body.version ?? model.defaultVersion,
    url: body.url,
    protocol: body.protocol,
    remoteModel: body.remote_model ?? model.name,
    credential: body.credential ?? null,
    readyPath: body.ready_path ?? null,
    state: body.state ?? "active",
    maxConcurrency: body.max_concurrency ?? MAX_CONCURRENCY.default,
    timeoutSeconds: body.timeout_seconds ?? BACKEND_TIMEOUT_SECONDS.default,
    files: body.files ?? "url",
  });
  if (!backend)
    throw problem("invalid_input", {
      faults: [
        {
          path: ["version"],
          detail: `must be one of the versions of "${model.name}"${model.versions.length === 0 ? ", which has none" : `: ${model.versions.join(", ")}`}`,
        },
      ],
    });
  offer(call, backend);
  return present(noted(call, backend));
}

async function update(call: Call, id: string, body: z.infer<typeof backendUpdateSchema>): Promise<Noted | null> {
  const change = given({
    url: body.url,
    remoteModel: body.remote_model,
    credential: body.credential,
    readyPath: body.ready_path,
    state: body.state,
    maxConcurrency: body.max_concurrency,
    timeoutSeconds: body.timeout_seconds,
    files: body.files,
  });
  const backend = await changeBackend(call.ports.db, id, change);
  if (backend) offer(call, backend);
  return backend && noted(call, backend);
}

async function remove({ ports }: Call, id: string): Promise<z.infer<typeof backendDeletedSchema>> {
  if (!(await removeBackend(ports.db, id))) found(null, "backend");
  return { id, removed: true };
}

async function getReadiness(call: Call): Promise<Response> {
  const { ports } = call;
  const backend = found(await findBackend(ports.db, call.params["id"] ?? ""), "backend");
  const [{ ready, detail }, metadata] = await Promise.all([
    readinessOf(backend, backend.version, ports),
    descriptionOf(backend, backend.version, ports),
  ]);
  return json({ id: backend.id, ready, detail, metadata } satisfies z.infer<(typeof READY.answers)[200]["json"]>);
}

/** A backend that takes work is given what waits for it at once, before the sweep would notice it. */
function offer(call: Call, { state, model, version, maxConcurrency }: Backend): void {
  if (state !== "active") return;
  const lanes = Array.from({ length: Math.min(maxConcurrency, WAKE_UPS_PER_LANE) }, () => ({ model, version }));
  call.after(hintWork(call.ports, lanes));
}
