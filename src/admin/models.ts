/** `/admin/v1/models`: the catalogue of what clients may ask for. */
import * as z from "zod";
import { MEDIA_TYPE } from "../content/content.ts";
import type { FileField } from "../content/file-fields.ts";
import { pageQuery } from "../http/page.ts";
import { wholeIn } from "../http/range.ts";
import { wholeText } from "../http/text.ts";
import { time, timeSchema } from "../http/time.ts";
import {
  CONTENT_TYPE_CHARACTERS,
  DESCRIPTION_CHARACTERS,
  MAX_CONCURRENCY,
  MONEY_MAX,
  OUTPUT_BYTES,
  OUTPUT_FILE_FIELDS,
} from "../limits.ts";
import { type Model, changeModel, findModel, insertModel, listModels, removeModel } from "../models/store.ts";
import { problem } from "../problem.ts";
import type { Call } from "../http/route.ts";
import { found, given, routesOf } from "./resource.ts";

/** What stands in paths as one segment. */
export const pathNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, "must be 1 to 128 letters, digits, '.', '_' and '-', and begin with a letter or digit");

/** A model's name: segments as above, which may have a ':', such as `org/name` or `hf.co/a/b:Q4`. */
export const modelNameSchema = z
  .string()
  .max(128)
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._:-]*(?:\/[A-Za-z0-9][A-Za-z0-9._:-]*)*$/,
    "must be 1 to 128 letters, digits, '.', '_', ':' and '-', which begin with a letter or digit, or several of these with '/' between, such as org/name:tag",
  );

/** What may be asked of a model: a word such as `text-to-image`, or a path of its server, such as `chat/completions` or `rerank`. */
const capabilitySchema = z
  .string()
  .max(128)
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]*(?:\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/,
    "must be 1 to 128 letters, digits, '.', '_' and '-', which begin with a letter or digit, or several of these with '/' between",
  );

const outputFileSchema = z.lazy(() =>
  z
    .strictObject({
      field: z
        .string()
        .max(256)
        .regex(/^[^.]+(?:\.[^.]+)*$/, "must be the names of members from the root, joined by dots, such as result.video")
        .describe("Its path: the names of members from the root, joined by dots."),
      encoding: z.enum(["base64", "text"]).default("base64").describe("What its text is."),
      content_type: z
        .string()
        .max(CONTENT_TYPE_CHARACTERS)
        .regex(MEDIA_TYPE, "must be a media type, such as video/mp4")
        .nullable()
        .default(null)
        .describe("Null: found out from its first bytes."),
    })
    .describe("A field of the output that is kept as a file."),
);

const amountSchema = z.number().min(0).max(MONEY_MAX);
/** In any currency, the same for all models. */
const priceSchema = z.object({
  per_second: amountSchema.describe("Of an attempt, however it ends."),
  per_token: amountSchema.describe("In or out, if the backend counts them."),
  per_inference: amountSchema.describe("That succeeds."),
});

const modelSchema = z.lazy(() =>
  z.object({
    name: z.string(),
    description: z.string(),
    versions: z.array(z.string()),
    default_version: z.string().nullable(),
    account_concurrency: z.int().nullable().describe("How many of one account's inferences run at once at most; null: any number."),
    capabilities: z.array(z.string()),
    output_files: z.array(z.object({ field: z.string(), encoding: z.enum(["base64", "text"]), content_type: z.string().nullable() })),
    max_output_bytes: z.int().describe("What an output may be, as it comes out decoded, with all that comes beside it."),
    price: priceSchema.describe("What using it costs."),
    created_at: timeSchema,
  }),
);
z.globalRegistry.add(modelSchema, { id: "AdminModel" });

const modelUpdateSchema = z.lazy(() =>
  z.strictObject({
    description: wholeText(DESCRIPTION_CHARACTERS).optional(),
    versions: z.array(pathNameSchema).max(100).optional(),
    default_version: pathNameSchema.optional().describe("One of `versions`; the last of them by default."),
    account_concurrency: wholeIn(MAX_CONCURRENCY.range)
      .nullable()
      .optional()
      .describe("How many of one account's inferences run at once at most; null, the default, is any number."),
    capabilities: z.array(capabilitySchema).max(32).optional().describe("What may be asked of it; anything by default."),
    output_files: z.array(outputFileSchema).max(OUTPUT_FILE_FIELDS).optional(),
    max_output_bytes: wholeIn(OUTPUT_BYTES.range)
      .nullable()
      .optional()
      .describe(`What an output may be, as it comes out decoded; null is the default of ${OUTPUT_BYTES.default}.`),
    price: z.strictObject(priceSchema.partial().shape).optional().describe("What using it costs, in any one currency; nothing by default."),
  }),
);

/** Changes of its versions by others that a change may meet. */
const CHANGE_TRIES = 5;

const newModelSchema = z.lazy(() => modelUpdateSchema.unwrap().extend({ name: modelNameSchema }));

const modelDeletedSchema = z.object({ name: z.string(), removed: z.literal(true) });

function present(model: Model): z.infer<typeof modelSchema> {
  return {
    name: model.name,
    description: model.description,
    versions: [...model.versions],
    default_version: model.defaultVersion || null,
    account_concurrency: model.accountConcurrency,
    capabilities: [...model.capabilities],
    output_files: model.outputFiles.map(({ field, encoding, contentType }) => ({ field, encoding, content_type: contentType })),
    max_output_bytes: model.maxOutputBytes ?? OUTPUT_BYTES.default,
    price: {
      per_second: model.secondMicros / 1_000_000,
      per_token: model.tokenMicros / 1_000_000,
      per_inference: model.inferenceMicros / 1_000_000,
    },
    created_at: time(model.createdAt),
  };
}

export const modelRoutes = routesOf({
  noun: "model",
  path: "/models",
  id: "name",
  shown: modelSchema,
  present,
  idOf: (model: Model) => model.name,
  create: { takes: newModelSchema, answers: modelSchema, run: create },
  list: { takes: pageQuery(), run: ({ ports }, { after }, limit) => listModels(ports.db, after, limit) },
  find: ({ ports }, name) => findModel(ports.db, name),
  update: { takes: modelUpdateSchema, run: update },
  delete: { summary: "Delete a model that no backend serves.", answers: modelDeletedSchema, run: remove },
});

async function create({ ports }: Call, body: z.infer<typeof newModelSchema>): Promise<z.infer<typeof modelSchema>> {
  const versions = [...new Set(body.versions)];
  const model = await insertModel(ports.db, {
    name: body.name,
    description: body.description ?? "",
    versions,
    defaultVersion: defaultOf(versions, body.default_version),
    accountConcurrency: body.account_concurrency ?? null,
    capabilities: [...new Set(body.capabilities)],
    outputFiles: fileFieldsOf(body.output_files ?? []),
    maxOutputBytes: body.max_output_bytes ?? null,
    secondMicros: 0,
    tokenMicros: 0,
    inferenceMicros: 0,
    ...given(priceOf(body.price)),
  });
  if (!model) throw problem("conflict", { detail: `There is a model "${body.name}" already.` });
  return present(model);
}

/** What is not named stays as it is, also if another call changes it at the same time. A change of versions that meets another begins anew. */
async function update({ ports }: Call, name: string, body: z.infer<typeof modelUpdateSchema>): Promise<Model | null> {
  for (let tries = 0; tries < CHANGE_TRIES; tries++) {
    const model = await findModel(ports.db, name);
    if (!model) return null;
    const changed = await changeModel(ports.db, name, {
      ...given({
        description: body.description,
        accountConcurrency: body.account_concurrency,
        capabilities: body.capabilities && [...new Set(body.capabilities)],
        outputFiles: body.output_files && fileFieldsOf(body.output_files),
        maxOutputBytes: body.max_output_bytes,
        ...priceOf(body.price),
      }),
      ...versionsOf(model, body),
    });
    if (changed) return changed;
  }
  throw problem("conflict", { detail: `The versions of the model "${name}" are being changed by other calls; try again.` });
}

/** The versions and their default after a change; nothing if it names neither. */
function versionsOf({ versions: from, defaultVersion: fromDefault }: Model, body: z.infer<typeof modelUpdateSchema>) {
  if (body.versions === undefined && body.default_version === undefined) return {};
  const to = body.versions ? [...new Set(body.versions)] : from;
  const kept = to.includes(fromDefault) ? fromDefault : undefined;
  return { versions: { to, byDefault: defaultOf(to, body.default_version ?? kept), from, fromDefault } };
}

/** What is given of a price, in millionths. */
function priceOf(price: z.infer<typeof modelUpdateSchema>["price"]) {
  const micros = (amount: number | undefined) => (amount === undefined ? undefined : amount * 1_000_000);
  return { secondMicros: micros(price?.per_second), tokenMicros: micros(price?.per_token), inferenceMicros: micros(price?.per_inference) };
}

async function remove({ ports }: Call, name: string): Promise<z.infer<typeof modelDeletedSchema>> {
  if (await removeModel(ports.db, name)) return { name, removed: true };
  found(await findModel(ports.db, name), "model");
  throw problem("conflict", { detail: `Backends serve "${name}"; delete them first.` });
}

/** The default has to be one of the versions; by default it is the last of them, or '' if there are none. */
function defaultOf(versions: readonly string[], wanted: string | undefined): string {
  if (wanted !== undefined && !versions.includes(wanted)) {
    throw problem("invalid_input", { faults: [{ path: ["default_version"], detail: `must be one of "versions", and is "${wanted}"` }] });
  }
  return wanted ?? versions.at(-1) ?? "";
}

function fileFieldsOf(files: readonly z.infer<typeof outputFileSchema>[]): FileField[] {
  return files.map(({ field, encoding, content_type: contentType }) => ({ field, encoding, contentType }));
}
