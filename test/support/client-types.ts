/** What the client, and the console beside it, send and get, as types from the schemas of docs/openapi.json. */
import { fileURLToPath } from "node:url";
import { compile } from "json-schema-to-typescript";
import { openApi } from "./openapi.ts";

/** Where a file of the project is. */
export const typesAt = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** Each file of types, and by their names in it the schemas of the document. */
export const TYPES_FILES: readonly (readonly [file: string, types: Readonly<Record<string, string>>])[] = [
  [
    "client/typescript/types.ts",
    {
      Inference: "Inference",
      Submission: "PostV1InferencesBody",
      File: "File",
      Upload: "Upload",
      Link: "PostV1FilesIdLink201",
      Usage: "Usage",
      Me: "Me",
    },
  ],
  [
    "console/types.ts",
    {
      Overview: "Overview",
      Account: "Account",
      Key: "Key",
      AdminModel: "AdminModel",
      ModelSchema: "GetAdminV1ModelsNameSchema200",
      Model: "GetV1ModelsName200",
      Backend: "Backend",
      Ready: "GetAdminV1BackendsIdReady200",
      Redriven: "PostAdminV1Redrive200",
      Counts: "Counts",
      AuditEntry: "AuditEntry",
      Webhook: "Webhook",
      Endpoints: "GetV1WebhooksEndpoints200",
      Checks: "PostAdminV1Checks200",
    },
  ],
];

const BANNER = "/** Made by `npm run reference` from docs/openapi.json; do not edit. */";

export async function typesOf(types: Readonly<Record<string, string>>): Promise<string> {
  const { components } = openApi() as { components: { schemas: Record<string, unknown> } }; // as it makes them
  const named = Object.fromEntries(Object.entries(types).map(([name, schema]) => [name, components.schemas[schema]]));
  const schemas = typed({ ...components.schemas, ...named });
  const properties = Object.fromEntries(Object.keys(types).map((name) => [name, { $ref: `#/components/schemas/${name}` }]));
  const root = { type: "object", properties, components: { schemas } } as const;
  const text = await compile(root, "Root", { bannerComment: BANNER, additionalProperties: false, format: false });
  return text.replace(/export interface Root \{[^}]*\}\n/, "");
}

/** A schema as types can say it: anything is `unknown`, and a list is a list however long it must be. */
function typed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(typed);
  if (typeof schema !== "object" || schema === null) return schema;
  const isAnything = typeof (schema as Record<string, unknown>)["description"] === "string" && Object.keys(schema).length === 1;
  if (isAnything) return { ...schema, tsType: "unknown" };
  const kept = Object.entries(schema).filter(([keyword, its]) => !(/^m(?:in|ax)Items$/.test(keyword) && typeof its === "number"));
  return Object.fromEntries(kept.map(([keyword, its]) => [keyword, typed(its)]));
}
