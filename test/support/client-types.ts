/** client/typescript/types.ts: what the client sends and gets, from the schemas of docs/openapi.json. */
import { fileURLToPath } from "node:url";
import { compile } from "json-schema-to-typescript";
import { openApi } from "./openapi.ts";

export const CLIENT_TYPES_FILE = fileURLToPath(new URL("../../client/typescript/types.ts", import.meta.url));

/** By the client's names: the schemas of the document. */
const TYPES: Readonly<Record<string, string>> = {
  Inference: "Inference",
  Submission: "PostV1InferencesBody",
  File: "File",
  Upload: "Upload",
  Usage: "Usage",
  Me: "Me",
};

const BANNER = "/** Made by `npm run reference` from docs/openapi.json; do not edit. */";

export async function clientTypes(): Promise<string> {
  const { components } = openApi() as { components: { schemas: Record<string, unknown> } }; // as it makes them
  const named = Object.fromEntries(Object.entries(TYPES).map(([name, schema]) => [name, components.schemas[schema]]));
  const schemas = typed({ ...components.schemas, ...named });
  const properties = Object.fromEntries(Object.keys(TYPES).map((name) => [name, { $ref: `#/components/schemas/${name}` }]));
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
