/** The catalogue as Replicate's wire has it, and which version of which model a prediction's `version` means. */
import * as z from "zod";
import { json } from "../../http/answer.ts";
import { cursorOf, keyIn } from "../../http/page.ts";
import { type Input, type KeyCall, type RouteShape, route } from "../../http/route.ts";
import { time } from "../../http/time.ts";
import type { Submission } from "../../inferences/submission.ts";
import { type ModelSchemas, NO_SCHEMAS, findSchemas, signatureOf } from "../../models/schemas.ts";
import { type Model, findModel, listModels, modelsWithVersion } from "../../models/store.ts";
import { modelNotFound } from "../../models/unknown.ts";
import { Problem, problem } from "../../problem.ts";
import { NO_VERSION, PAGE_ITEMS, ROOT, pageOf, pageQuery } from "./schemas.ts";

type Target = Pick<Submission, "model" | "version">;

/** Models that a message names, of those that have the version. */
const NAMED = 5;

/**
 * Does the work at what a `version` names. Most name a model, or a version of one; whether that is there shows in the one write. A
 * text that names no model is looked for among all versions.
 */
export async function toVersion<T>(call: KeyCall, version: string, work: (target: Target) => Promise<T>): Promise<T> {
  const { db } = call.ports;
  const colon = version.lastIndexOf(":");
  if (colon > 0 && !(await findModel(db, version))) return work({ model: version.slice(0, colon), version: version.slice(colon + 1) });
  try {
    return await work({ model: version });
  } catch (error) {
    if (!(error instanceof Problem) || error.code !== "model_not_found") throw error;
    const [model, ...others] = await modelsWithVersion(db, version, NAMED + 1);
    if (model === undefined)
      throw problem("model_not_found", { detail: `There is no model, and no version of one, "${version.slice(0, 128)}".` });
    if (others.length === 0) return work({ model, version });
    throw problem("invalid_input", { faults: [{ path: ["version"], detail: ofSeveral([model, ...others], version) }] });
  }
}

function ofSeveral(models: readonly string[], version: string): string {
  const names = models.slice(0, NAMED).map((model) => `"${model}:${version}"`);
  return `must name its model, since several have such a version: ${names.join(", ")}${models.length > NAMED ? " and others" : ""}`;
}

// The catalogue

const versionSchema = z.lazy(() =>
  z.object({
    id: z.string().describe("The version's name."),
    created_at: z.iso.datetime().describe("When the model was registered."),
    cog_version: z.literal("").describe("Its server may be any."),
    openapi_schema: z.looseObject({}).describe("What it takes and gives: `components.schemas.Input` and `Output`."),
  }),
);

const modelSchema = z.lazy(() =>
  z.object({
    url: z.url(),
    owner: z.string().describe("What its name has before the first slash; empty if there is none."),
    name: z.string().describe("The rest of its name."),
    description: z.string(),
    visibility: z.literal("private").describe("Who has a key of this deployment sees it."),
    github_url: z.null().describe("Its code; not known here."),
    paper_url: z.null().describe("Its paper; not known here."),
    license_url: z.null().describe("Its license; not known here."),
    cover_image_url: z.null().describe("Its picture; not known here."),
    run_count: z.literal(0).describe("It is not counted here."),
    default_example: z.null().describe("A prediction of it; not known here."),
    created_at: z.iso.datetime().describe("When it was registered."),
    latest_version: versionSchema.describe("Its default version; of a model without versions, what it takes. Of a list, without schemas."),
  }),
);

const params = z.object({ model: z.string().describe("The model's name, such as `owner/name`.") });

const LIST_MODELS = {
  summary: "List the models, by name.",
  query: pageQuery,
  answers: { 200: { description: "A page of models.", json: pageOf(modelSchema) } },
} as const satisfies RouteShape;

const GET_MODEL = {
  summary: "Get a model.",
  params,
  answers: { 200: { description: "The model.", json: modelSchema } },
} as const satisfies RouteShape;

const LIST_VERSIONS = {
  summary: "List the versions of a model.",
  params,
  answers: { 200: { description: "All of them.", json: pageOf(versionSchema) } },
} as const satisfies RouteShape;

const GET_VERSION = {
  summary: "Get a version of a model.",
  params: params.extend({ version: z.string().describe("The version.") }),
  answers: { 200: { description: "The version.", json: versionSchema } },
} as const satisfies RouteShape;

export const catalogueRoutes = [
  route("read", "GET", `${ROOT}/models`, LIST_MODELS, showModels),
  route("read", "GET", `${ROOT}/models/:model+/versions`, LIST_VERSIONS, showVersions),
  route("read", "GET", `${ROOT}/models/:model+/versions/:version`, GET_VERSION, showVersion),
  // No model is called `versions`, and a name may have slashes.
  route("read", "GET", `${ROOT}/models/(?![^]*/predictions/*$)(?![^]*/versions/*$):model+`, GET_MODEL, showModel),
];

async function showModels(call: KeyCall, { query }: Input<typeof LIST_MODELS>): Promise<Response> {
  const models = await listModels(call.ports.db, keyIn(query.cursor ?? "", "cursor"), PAGE_ITEMS + 1);
  const page = models.slice(0, PAGE_ITEMS);
  const last = models.length > PAGE_ITEMS ? page.at(-1)?.name : undefined;
  const next = last === undefined ? null : `${call.origin}${ROOT}/models?cursor=${cursorOf(last)}`;
  return json({ next, previous: null, results: page.map((model) => shownModel(call, model, NO_SCHEMAS)) });
}

async function showModel(call: KeyCall): Promise<Response> {
  const { model, schemas } = await modelIn(call);
  return json(shownModel(call, model, schemas));
}

async function showVersions(call: KeyCall): Promise<Response> {
  const { model, schemas } = await modelIn(call);
  return json({ next: null, previous: null, results: model.versions.map((version) => shownVersion(model, version, schemas)) });
}

async function showVersion(call: KeyCall): Promise<Response> {
  const { model, schemas } = await modelIn(call);
  const { version = "" } = call.params;
  if (!model.versions.includes(version)) throw modelNotFound({ model: model.name, version }, model);
  return json(shownVersion(model, version, schemas));
}

/** The model in the path, and what its versions take. */
async function modelIn({ ports: { db }, params: { model: name = "" } }: KeyCall): Promise<{ model: Model; schemas: ModelSchemas }> {
  const [model, schemas] = await Promise.all([findModel(db, name), findSchemas(db, name)]);
  if (!model || !schemas) throw modelNotFound({ model: name }, null);
  return { model, schemas };
}

function shownModel({ origin }: Pick<KeyCall, "origin">, model: Model, schemas: ModelSchemas): z.infer<typeof modelSchema> {
  const slash = model.name.indexOf("/");
  return {
    url: `${origin}${ROOT}/models/${model.name.split("/").map(encodeURIComponent).join("/")}`,
    owner: model.name.slice(0, Math.max(0, slash)),
    name: model.name.slice(slash + 1),
    description: model.description,
    visibility: "private",
    github_url: null,
    paper_url: null,
    license_url: null,
    cover_image_url: null,
    run_count: 0,
    default_example: null,
    created_at: time(model.createdAt),
    latest_version: shownVersion(model, model.defaultVersion, schemas),
  };
}

function shownVersion(model: Model, version: string, schemas: ModelSchemas): z.infer<typeof versionSchema> {
  const Input = signatureOf(schemas, version)?.inputSchema ?? { type: "object" };
  return {
    id: version || NO_VERSION,
    created_at: time(model.createdAt),
    cog_version: "",
    openapi_schema: {
      openapi: "3.1.0",
      info: { title: model.name, version: version || NO_VERSION },
      paths: {},
      components: { schemas: { Input, Output: {} } },
    },
  };
}
