/** `/admin/v1/models/{name}/schema`: what a model takes, so that a bad input is refused at submit; set, or read from a backend. */
import * as z from "zod";
import { descriptionOf } from "../backends/protocols.ts";
import { findBackend, listBackends } from "../backends/store.ts";
import { withoutBigints } from "../encoding/json.ts";
import { json } from "../http/answer.ts";
import { type Call, type Input, type RouteShape, route } from "../http/route.ts";
import { ADMIN_BODY_BYTES, BACKENDS_LISTED, SCHEMAS_CHARACTERS, TENSORS_MAX } from "../limits.ts";
import { signatureIn } from "../models/schema-import.ts";
import { faultInRefs, jsonSchema } from "../models/schema-keywords.ts";
import {
  EVERY_VERSION,
  type ModelSchemas,
  type Signature,
  findSchemas,
  presentSignature,
  removeSchema,
  setSchema,
  shownSignature,
  tensorSchema,
} from "../models/schemas.ts";
import { findModel } from "../models/store.ts";
import { problem } from "../problem.ts";
import { pathNameSchema } from "./models.ts";
import { PREFIX, found } from "./resource.ts";

const params = z.object({ name: z.string().describe("The model's name.") });
const query = z.strictObject({
  version: pathNameSchema.optional().describe("A version of the model; by default what all versions share that have nothing of their own."),
});

const shownSchema = z.object({
  model: z.string(),
  version: z.string().nullable().describe("Null: all versions that have nothing of their own."),
  ...shownSignature,
});

const tensors = z.lazy(() =>
  z
    .array(
      tensorSchema.strict().extend({
        name: z.string().min(1).max(256),
        shape: z.array(z.int().min(-1)).max(64).describe("Its sizes; -1 is any."),
        optional: z.boolean().default(false).describe("Whether an input may be left out."),
      }),
    )
    .max(TENSORS_MAX)
    .nullable()
    .default(null),
);

const newSchema = z.strictObject({
  input_schema: jsonSchema
    .nullable()
    .default(null)
    .describe("What a plain input may be: JSON Schema 2020-12; null, the default, is anything."),
  inputs: tensors.describe("What a request of tensors may have; null, the default, is anything."),
  outputs: tensors.describe("What is shown of its outputs; nothing by default."),
});

const shown = (description: string) => ({ 200: { description, json: shownSchema } });

const GET = { summary: "Get what a model takes.", params, query, answers: shown("What it takes.") } as const satisfies RouteShape;
const PUT = {
  summary: "Set what a model takes: inputs that differ are refused at submit.",
  params,
  query,
  body: { json: newSchema, limitBytes: ADMIN_BODY_BYTES, prepare: withoutBigints }, // numbers are compared as doubles
  answers: shown("What it takes now."),
} as const satisfies RouteShape;
const DELETE = {
  summary: "Remove a model's schema: its inputs are no longer checked.",
  params,
  query,
  answers: shown("What it takes now."),
} as const satisfies RouteShape;
const IMPORT = {
  summary: "Set what a model takes to what one of its backends says: tensors of an `oip` backend, the schema of a `cog` one.",
  params,
  body: {
    json: z.strictObject({
      backend: z
        .string()
        .optional()
        .describe("A backend's id; by default the first active one of the default version that says something."),
      every_version: z
        .boolean()
        .default(false)
        .describe("Whether it holds for all versions that have nothing of their own; else for the backend's."),
    }),
    limitBytes: ADMIN_BODY_BYTES,
    mayBeMissing: true,
  },
  answers: shown("What it takes now."),
} as const satisfies RouteShape;

export const schemaRoutes = [
  route("operator", "GET", `${PREFIX}/models/:name/schema`, GET, get),
  route("operator", "PUT", `${PREFIX}/models/:name/schema`, PUT, put),
  route("operator", "DELETE", `${PREFIX}/models/:name/schema`, DELETE, remove),
  route("operator", "POST", `${PREFIX}/models/:name/schema/import`, IMPORT, importFromBackend),
];

const nameIn = ({ params: { name = "" } }: Call) => name;

function answer(call: Call, version: string | undefined, schemas: ModelSchemas | null): Response {
  const { signatures } = found(schemas, "model");
  const own = signatures[version ?? EVERY_VERSION] ?? null;
  return json({ model: nameIn(call), version: version ?? null, ...presentSignature(own) } satisfies z.infer<typeof shownSchema>);
}

async function get(call: Call, { query: { version } }: Input<typeof GET>): Promise<Response> {
  return answer(call, version, await findSchemas(call.ports.db, nameIn(call)));
}

async function put(call: Call, { query: { version }, body }: Input<typeof PUT>): Promise<Response> {
  const fault = body.input_schema === null ? null : faultInRefs(body.input_schema);
  if (fault) throw problem("invalid_input", { faults: [{ ...fault, path: ["input_schema", ...fault.path] }] });
  for (const list of ["inputs", "outputs"] as const) mustHaveOwnNames(list, body[list]);
  const signature = { inputSchema: body.input_schema, inputs: body.inputs, outputs: body.outputs };
  return answer(call, version, await store(call, version, signature));
}

async function remove(call: Call, { query: { version } }: Input<typeof DELETE>): Promise<Response> {
  return answer(call, version, await removeSchema(call.ports.db, nameIn(call), version ?? EVERY_VERSION));
}

async function importFromBackend(call: Call, { body }: Input<typeof IMPORT>): Promise<Response> {
  const { ports } = call;
  const model = found(await findModel(ports.db, nameIn(call)), "model");
  const named = body.backend === undefined ? null : await findBackend(ports.db, body.backend);
  if (body.backend !== undefined && named?.model !== model.name)
    throw problem("invalid_input", {
      faults: [{ path: ["backend"], detail: `must be the id of a backend of "${model.name}", and is "${body.backend}"` }],
    });
  const able = named
    ? [named]
    : (await listBackends(ports.db, model.name, "", BACKENDS_LISTED)).filter(
        ({ state, version }) => state === "active" && version === model.defaultVersion,
      );
  for (const backend of able) {
    const read = signatureIn(await descriptionOf(backend, backend.version, ports));
    if (!read) continue;
    if (!read.ok) throw problem("conflict", { detail: `What backend ${backend.id} says of its inputs can't be used: ${read.fault}.` });
    const version = body.every_version ? undefined : backend.version || undefined;
    return answer(call, version, await store(call, version, read.value));
  }
  const asked = able.map(({ id }) => id).join(", ");
  throw problem("conflict", {
    detail:
      asked === ""
        ? 'The model has no active backend to ask; name one as "backend".'
        : `No backend says what the model takes; asked: ${asked}. Set the schema by PUT.`,
  });
}

async function store(call: Call, version: string | undefined, signature: Signature): Promise<ModelSchemas> {
  const name = nameIn(call);
  const stored = await setSchema(call.ports.db, name, version ?? EVERY_VERSION, signature);
  if (stored) return stored;
  const model = found(await findModel(call.ports.db, name), "model");
  if (version !== undefined && !model.versions.includes(version))
    throw problem("not_found", { detail: `The model "${name}" has no version "${version}".` });
  throw problem("body_too_large", { detail: `The schemas of a model's versions may have ${SCHEMAS_CHARACTERS} characters together.` });
}

function mustHaveOwnNames(list: string, given: readonly { name: string }[] | null): void {
  const names = new Set<string>();
  for (const [index, { name }] of (given ?? []).entries()) {
    if (names.has(name))
      throw problem("invalid_input", {
        faults: [{ path: [list, index, "name"], detail: `must be given once, and "${name}" is given twice` }],
      });
    names.add(name);
  }
}
