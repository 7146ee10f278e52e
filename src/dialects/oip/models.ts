/** The models of the Open Inference Protocol's wire: which there are, what their backends say of them, and whether they take work. */
import { descriptionOf } from "../../backends/protocols.ts";
import { type Backend, listBackends } from "../../backends/store.ts";
import { json } from "../../http/answer.ts";
import type { KeyCall } from "../../http/route.ts";
import {
  BACKENDS_LISTED,
  DESCRIPTIONS_ASKED,
  DESCRIPTION_MS,
  DESCRIPTION_UNSURE_MS,
  MEMORY_THINGS,
  MODELS_LISTED,
  PROBE_MS,
} from "../../limits.ts";
import { modelNotFound } from "../../models/unknown.ts";
import { type Model, findModel, listModels, modelsNotReady } from "../../models/store.ts";
import { type TensorSpec, findSchemas, signatureOf } from "../../models/schemas.ts";
import { Memory } from "../../platform/memory.ts";
import type { Database } from "../../platform/sql.ts";
import { type Problem, problem } from "../../problem.ts";
import { type Description, type NotReady, type ShownModel, descriptionSchema } from "./schemas.ts";

/** In doubt, a backend's health is looked at that often, in seconds. */
const RETRY_AFTER = String(PROBE_MS / 1000);
/** Models that an answer names. */
const NAMES_SHOWN = 5;

/** A model in the version that is asked for, and the backends of that. */
interface Served {
  readonly model: string;
  readonly versions: readonly string[];
  /** '' where the model has none. */
  readonly version: string;
  readonly backends: readonly Backend[];
}

const takesWork = ({ state, circuit }: Backend) => state === "active" && circuit !== "open";
const isActive = ({ state }: Backend) => state === "active";

export async function find({ params, ports }: KeyCall): Promise<Served> {
  const { model: name = "", version } = params;
  const [model, backends] = await Promise.all([modelAsked(ports.db, name, version), listBackends(ports.db, name, "", BACKENDS_LISTED)]);
  const asked = version ?? model.defaultVersion;
  return { model: name, versions: model.versions, version: asked, backends: backends.filter((backend) => backend.version === asked) };
}

/** Throws model_not_found. */
export async function modelAsked(db: Database, name: string, version: string | undefined): Promise<Model> {
  const model = await findModel(db, name);
  if (!model || (version !== undefined && !model.versions.includes(version))) throw modelNotFound({ model: name, version }, model);
  return model;
}

export async function showServerReady({ ports }: KeyCall): Promise<Response> {
  const names = await modelsNotReady(ports.db, NAMES_SHOWN + 1);
  if (names.length === 0) return json({ ready: true });
  const shown = `${names.slice(0, NAMES_SHOWN).join(", ")}${names.length > NAMES_SHOWN ? " and others" : ""}`;
  return notReady({ ready: false, error: `No backend takes work for ${shown}.` });
}

export async function showModelReady(call: KeyCall): Promise<Response> {
  const { model: name, backends } = await find(call);
  if (backends.some(takesWork)) return json({ name, ready: true });
  return notReady({ name, ready: false, error: `No backend takes work for ${name}.` });
}

function notReady(body: NotReady): Response {
  return json(body, { status: 503, headers: { "Retry-After": RETRY_AFTER } });
}

export async function showModels({ ports }: KeyCall): Promise<Response> {
  return json({ models: (await allModels(ports.db)).map(({ name }) => name) });
}

export async function allModels(db: Database): Promise<Model[]> {
  const models: Model[] = [];
  for (;;) {
    const page = await listModels(db, models.at(-1)?.name ?? "", MODELS_LISTED);
    models.push(...page);
    if (page.length < MODELS_LISTED) return models;
  }
}

export async function showModel(call: KeyCall): Promise<Response> {
  const found = await find(call);
  const [described, schemas] = await Promise.all([describe(call, found), findSchemas(call.ports.db, found.model)]);
  const known = schemas && signatureOf(schemas, found.version);
  const model: ShownModel = {
    name: found.model,
    versions: [...found.versions],
    platform: described?.platform ?? `claimcheck_${found.backends[0]?.protocol ?? "none"}`,
    inputs: shownTensors(known?.inputs) ?? described?.inputs ?? [],
    outputs: shownTensors(known?.outputs) ?? described?.outputs ?? [],
    ...(described?.properties && { properties: described.properties }),
  };
  return json(model);
}

/** As the protocol has them. */
function shownTensors(specs: readonly TensorSpec[] | null | undefined) {
  return specs?.map(({ name, datatype, shape }) => ({ name, datatype, shape: [...shape] }));
}

const descriptions = new Memory<Description | null>(MEMORY_THINGS);

/** What the model's backends say of it, the first that says anything, preferably one that works; null where none does. */
export async function describe({ ports }: KeyCall, { version, backends }: Served): Promise<Description | null> {
  const { clock } = ports;
  const able = backends.filter((backend) => backend.protocol === "oip" && isActive(backend));
  const asked = able.toSorted((a, b) => Number(takesWork(b)) - Number(takesWork(a))).slice(0, DESCRIPTIONS_ASKED);
  if (asked.length === 0) return null;
  const name = JSON.stringify(asked.map(({ id, url, remoteModel }) => [id, url, remoteModel]));
  const known = descriptions.get(name, clock.now());
  if (known !== undefined) return known;
  let described: Description | null = null;
  for (const backend of asked) {
    described = descriptionSchema.safeParse(await descriptionOf(backend, version, ports)).data ?? null;
    if (described) break;
  }
  descriptions.set(name, described, clock.now() + (described ? DESCRIPTION_MS : DESCRIPTION_UNSURE_MS));
  return described;
}

export function unready(model: string, why: string): Problem {
  return problem("model_not_ready", {
    detail: `Model "${model}" is not ready: ${why}.`,
    headers: { "Retry-After": RETRY_AFTER, Vary: "Prefer" },
  });
}
