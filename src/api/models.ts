/** The catalogue, in the shapes of OpenAI's API with our members beside them, and what a model has to do. */
import * as z from "zod";
import { waitOf } from "../inferences/wait.ts";
import { depthOf } from "../inferences/sql/read.ts";
import { modelNotFound } from "../models/unknown.ts";
import { type Model, findModel, listModels } from "../models/store.ts";
import { findSchemas, presentSignature, shownSignature, signatureOf } from "../models/schemas.ts";
import { DEPTH_MAX, MODELS_LISTED } from "../limits.ts";
import { json } from "../http/answer.ts";
import { pageOf } from "../http/page.ts";
import { type Input, type KeyCall, type RouteShape, route } from "../http/route.ts";

export const modelSchema = z.lazy(() =>
  z.object({
    id: z.string(),
    object: z.literal("model"),
    created: z.int(),
    owned_by: z.string(),
    description: z.string(),
    versions: z.array(z.string()),
    default_version: z.string().nullable(),
    capabilities: z.array(z.string()).describe("What may be asked of it; anything if there are none."),
  }),
);
z.globalRegistry.add(modelSchema, { id: "Model" });

/** One model, with what it takes in its default version. */
export const modelWithSchema = z.lazy(() => modelSchema.unwrap().extend(shownSignature));

export const modelsSchema = z.object({
  object: z.literal("list"),
  data: z.array(modelSchema),
  has_more: z.boolean(),
  next_after: z.string().nullable().describe("The `after` of the next page; null on the last one."),
});

const queueSchema = z.lazy(() =>
  z.object({
    model: z.string(),
    version: z.string().nullable(),
    queued: z.int().describe(`Exact below ${DEPTH_MAX}; without those whose \`not_before\` has not come.`),
    queued_is_exact: z.boolean(),
    in_progress: z.int(),
    capacity: z.int().describe("Slots of the backends that take work."),
    oldest_wait_ms: z.number().nullable(),
    estimated_wait_ms: z.number().nullable().describe("Of an inference submitted now; null if nothing was measured."),
    mean_run_ms: z.number().nullable(),
  }),
);
z.globalRegistry.add(queueSchema, { id: "Queue" });

const QUEUE = {
  summary: "Get a model's queue: depth, wait and capacity, for clients and autoscalers.",
  params: z.object({ name: z.string().describe("The model's name.") }),
  query: z.strictObject({ version: z.string().optional().describe("The model's default version by default.") }),
  answers: { 200: { description: "Its queue.", json: queueSchema } },
} as const satisfies RouteShape;

export const queueRoute = route("read", "GET", "/v1/models/:name/queue", QUEUE, getQueue);

/** `GET /v1/models?after=&limit=`: by default all of them. */
export async function listAll(call: KeyCall): Promise<Response> {
  const { after, limit } = pageOf(call.url, MODELS_LISTED);
  const models = await listModels(call.ports.db, after, limit + 1);
  const shown = models.slice(0, limit);
  return json({
    object: "list",
    data: shown.map(presentModel),
    has_more: models.length > limit,
    next_after: models.length > limit ? (shown.at(-1)?.name ?? null) : null,
  } satisfies z.infer<typeof modelsSchema>);
}

/** `GET /v1/models/{name}` */
export async function get(call: KeyCall): Promise<Response> {
  const name = (call.params["name"] ?? "").replace(/(?<!\/)\/+$/, ""); // a name may have slashes, but those at the end are the path's
  const [model, schemas] = await Promise.all([findModel(call.ports.db, name), findSchemas(call.ports.db, name)]);
  if (!model || !schemas) throw modelNotFound({ model: name }, null);
  const shown = { ...presentModel(model), ...presentSignature(signatureOf(schemas, model.defaultVersion)) };
  return json(shown satisfies z.infer<typeof modelWithSchema>);
}

async function getQueue(call: KeyCall, { query }: Input<typeof QUEUE>): Promise<Response> {
  const name = call.params["name"] ?? "";
  const model = await findModel(call.ports.db, name);
  if (!model) throw modelNotFound({ model: name }, null);
  const version = query.version ?? model.defaultVersion;
  if (version !== "" && !model.versions.includes(version)) {
    throw modelNotFound({ model: name, version }, model);
  }
  const depth = await depthOf(call.ports.db, { model: model.name, version });
  const wait = waitOf(depth.lane, null, 0, 0);
  return json({
    model: model.name,
    version: version || null,
    queued: depth.queued,
    queued_is_exact: depth.isExact,
    in_progress: depth.inProgress,
    capacity: depth.lane.capacity,
    oldest_wait_ms: depth.oldestWaitMs,
    estimated_wait_ms: wait.estimatedMs,
    mean_run_ms: depth.lane.meanRunMs === null ? null : Math.round(depth.lane.meanRunMs),
  } satisfies z.infer<typeof queueSchema>);
}

function presentModel(model: Model): z.infer<typeof modelSchema> {
  return {
    id: model.name,
    object: "model",
    created: Math.floor(model.createdAt / 1000),
    owned_by: "claimcheck",
    description: model.description,
    versions: [...model.versions],
    default_version: model.defaultVersion || null,
    capabilities: [...model.capabilities],
  };
}
