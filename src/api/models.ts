/** `GET /v1/models`: the catalogue, in the list shape of OpenAI's API with our members beside it. */
import { type Model, listModels } from "../models/store.ts";
import { PAGE } from "../numbers.ts";
import { json } from "./answer.ts";
import { pageOf } from "./page.ts";
import type { KeyCall } from "./route.ts";

export async function showModels(call: KeyCall): Promise<Response> {
  const { after, limit } = pageOf(call.url, PAGE.range[1]);
  const models = await listModels(call.ports.db, after, limit + 1);
  const shown = models.slice(0, limit);
  return json({
    object: "list",
    data: shown.map(presentModel),
    has_more: models.length > limit,
    next_after: models.length > limit ? (shown.at(-1)?.name ?? null) : null,
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
  };
}
