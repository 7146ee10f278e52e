/** The catalogue, in the shapes of OpenAI's API with our members beside them, and what a model has to do. */
import { waitOf } from "../inferences/wait.ts";
import { depthOf } from "../inferences/sql/read.ts";
import { type Model, findModel, listModels } from "../models/store.ts";
import { DEPTH_MAX, MODELS_LISTED } from "../limits.ts";
import { problem } from "../problem.ts";
import { json } from "../http/answer.ts";
import { pageOf } from "../http/page.ts";
import type { KeyCall } from "../http/route.ts";

/** `GET /v1/models?after=&limit=`: by default all of them. */
export async function showModels(call: KeyCall): Promise<Response> {
  const { after, limit } = pageOf(call.url, MODELS_LISTED);
  const models = await listModels(call.ports.db, after, limit + 1);
  const shown = models.slice(0, limit);
  return json({
    object: "list",
    data: shown.map(presentModel),
    has_more: models.length > limit,
    next_after: models.length > limit ? (shown.at(-1)?.name ?? null) : null,
  });
}

/** `GET /v1/models/{name}` */
export async function showModel(call: KeyCall): Promise<Response> {
  const name = call.params["name"] ?? "";
  const model = await findModel(call.ports.db, name);
  if (!model) throw problem("model_not_found", { detail: `There is no model "${name.slice(0, 128)}".` });
  return json(presentModel(model));
}

/** `GET /v1/models/{name}/queue?version=`: what a model has to do, for clients and for whoever scales its backends. */
export async function showQueue(call: KeyCall): Promise<Response> {
  const name = call.params["name"] ?? "";
  const model = await findModel(call.ports.db, name);
  const version = call.url.searchParams.get("version") ?? model?.defaultVersion ?? "";
  if (!model || (version !== "" && !model.versions.includes(version))) {
    throw problem("model_not_found", { detail: `There is no such model or version: "${name.slice(0, 128)}".` });
  }
  const depth = await depthOf(call.ports.db, { model: model.name, version });
  const wait = waitOf(depth.lane, null, 0);
  return json({
    model: model.name,
    version: version || null,
    queued: depth.queued,
    queued_is_exact: depth.queued < DEPTH_MAX,
    in_progress: depth.inProgress,
    capacity: depth.lane.capacity,
    oldest_wait_ms: depth.oldestWaitMs,
    estimated_wait_ms: wait.estimatedMs,
    mean_run_ms: depth.lane.meanRunMs === null ? null : Math.round(depth.lane.meanRunMs),
  });
}

export function presentModel(model: Model): Record<string, unknown> {
  return {
    id: model.name,
    object: "model",
    created: Math.floor(model.createdAt / 1000),
    owned_by: "claimcheck",
    description: model.description,
    versions: model.versions,
    default_version: model.defaultVersion || null,
    capabilities: model.capabilities,
  };
}
