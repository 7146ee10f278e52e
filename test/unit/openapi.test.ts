/** docs/openapi.json: fresh, valid by two validators, and silent about nothing. */
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createConfig, lintFromString } from "@redocly/openapi-core";
import { Validator } from "@seriousme/openapi-schema-validator";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TYPES_FILES, typesAt, typesOf } from "../support/client-types.ts";
import { type Described, GENERATOR, generateClient, writeCalls } from "../support/generated-client.ts";
import { OPENAPI_FILE, openApiText, undescribed } from "../support/openapi.ts";

const text = readFileSync(OPENAPI_FILE, "utf8");

test("is what the routes, their schemas and the examples make of it", () => {
  expect(openApiText() === text, "run `npm run reference`").toBe(true);
});

test.each(TYPES_FILES)("types what %s sends and gets as it describes the API", async (file, types) => {
  expect((await typesOf(types)) === readFileSync(typesAt(file), "utf8"), "run `npm run reference`").toBe(true);
});

test("says of each query parameter that is an object that its members are asked for as name[member]=value", () => {
  const { paths } = JSON.parse(text) as Described;
  const operations = Object.values(paths).flatMap((byMethod) => Object.values(byMethod));
  const parameters = operations.flatMap((operation) => operation.parameters ?? []);
  const objects = parameters.filter((parameter) => parameter.in === "query" && parameter.schema?.type === "object");
  expect(objects.length).toBeGreaterThan(0);
  expect(objects.filter(({ style, explode }) => style !== "deepObject" || explode !== true).map(({ name }) => name)).toEqual([]);
});

test("says of each number that 32 bits can't hold how wide it is", () => {
  const narrow: string[] = [];
  const look = (it: unknown, place: string) => {
    if (typeof it !== "object" || it === null) return;
    const { type, maximum = Infinity, format } = it as { type?: unknown; maximum?: number; format?: unknown };
    const types = new Set([type].flat());
    if (types.has("number") && format !== "double") narrow.push(place);
    if (types.has("integer") && maximum > 2 ** 31 - 1 && format !== "int64") narrow.push(place);
    for (const [name, inner] of Object.entries(it)) if (!name.startsWith("example")) look(inner, `${place}/${name}`);
  };
  look(JSON.parse(text), "");
  expect(narrow).toEqual([]);
});

test("describes every member of every schema", () => {
  openApiText();
  expect([...new Set(undescribed)], "say it by .describe() in the schema, or in test/support/glossary.ts").toEqual([]);
});

/** Each `pattern` of the document, wherever it stands. */
function patterns(node: unknown): string[] {
  if (typeof node !== "object" || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) => (key === "pattern" && typeof value === "string" ? [value] : patterns(value)));
}

test("has no pattern with what other engines than JavaScript's refuse: looking around, classes of Unicode, references back", () => {
  // Models that are generated for pydantic, whose engine is Rust's, can't be imported with one of these; Python's and Go's have limits of their own.
  const all = [...new Set(patterns(JSON.parse(text)))];
  expect(all.length).toBeGreaterThan(10);
  expect(all.filter((pattern) => /\(\?(?!:)|\\[pPuUkc1-9]/.test(pattern))).toEqual([]);
});

test("says of lists of words, of bodies and of sizes what is refused", () => {
  const { paths, components } = JSON.parse(text) as {
    paths: Record<string, Record<string, { parameters: { name: string; schema: { pattern?: string } }[] }>>;
    components: { schemas: Record<string, { minProperties?: number; properties: Record<string, { maximum?: number }> }> };
  };
  const patternOf = (path: string, name: string) => paths[path]?.["get"]?.parameters.find((it) => it.name === name)?.schema.pattern ?? "";
  for (const [path, name, good] of [
    ["/v1/inferences", "status", "queued, failed"],
    ["/v1/usage", "by", "day,key"],
  ] as const) {
    const pattern = new RegExp(patternOf(path, name), "u");
    expect(["", "none", `${good},`, `${good},none`, good].map((value) => pattern.test(value))).toEqual([false, false, false, false, true]);
  }
  const { schemas } = components;
  for (const name of ["PostV1InferencesCancelBody", "PostV1InferencesRedriveBody", "PostV1ProgressTokenBody", "PatchAdminV1AccountsIdBody"])
    expect([name, schemas[name]?.minProperties]).toEqual([name, 1]);
  expect(schemas["PostV1UploadsBody"]?.properties["bytes"]?.maximum).toBe(10_000 * 100 * 1024 * 1024);
});

/** Each list of types of the document, wherever it stands. */
function typeLists(node: unknown): string[][] {
  if (typeof node !== "object" || node === null) return [];
  return Object.entries(node).flatMap(([key, value]) => (key === "type" && Array.isArray(value) ? [value] : typeLists(value)));
}

test("says of bytes of any type that they may be an octet stream, and of a form which field it has: generators of clients read no range of types", () => {
  const contents: Record<string, unknown>[] = [];
  const look = (it: unknown) => {
    if (typeof it !== "object" || it === null) return;
    for (const [name, inner] of Object.entries(it)) {
      if (name === "content" && typeof inner === "object" && inner !== null && Object.keys(inner).some((type) => type.includes("/")))
        contents.push({ ...inner });
      look(inner);
    }
  };
  look(JSON.parse(text));
  const ranges = contents.filter((content) => "*/*" in content);
  expect(ranges.length).toBeGreaterThan(20);
  const binary = { schema: { type: "string", format: "binary" } };
  for (const content of ranges) expect(content).toMatchObject({ "application/octet-stream": binary });
  const forms = contents.flatMap((content) => content["multipart/form-data"] ?? []);
  const ofReplicate = { schema: { $ref: "#/components/schemas/PostReplicateV1FilesBody" } };
  expect(forms).toMatchObject([{ schema: { type: "object", properties: { file: binary.schema } } }, ofReplicate]);
});

test("lists no types beside each other but one and null, which is all that generators of Go clients read", () => {
  const all = typeLists(JSON.parse(text));
  expect(all.length).toBeGreaterThan(10);
  expect(all.filter((types) => types.filter((name) => name !== "null").length > 1)).toEqual([]);
});

/** What the second validator finds: the rules of the specification, and examples that their schemas refuse. */
async function found(source: string): Promise<string[]> {
  const rules = {
    "no-invalid-media-type-examples": "error",
    "no-invalid-parameter-examples": "error",
    "no-unused-components": "error",
  } as const;
  const config = await createConfig({ extends: ["spec"], rules });
  const problems = await lintFromString({ source, absoluteRef: "openapi.json", config });
  return problems.map(({ ruleId, message, location }) => `${ruleId}: ${message} at ${location[0]?.pointer}`);
}

describe("by two validators", { timeout: 60_000 }, () => {
  test("it is OpenAPI 3.1", async () => {
    expect(await new Validator().validate(text)).toMatchObject({ valid: true });
    expect(await found(text)).toEqual([]);
  });

  test("an example that its schema refuses is found", async () => {
    const wrong = text.replace('"is_final": true', '"is_final": "yes"');
    expect(wrong).not.toBe(text);
    expect(await found(wrong)).not.toEqual([]);
  });
});

describe("a client that openapi-typescript generates from it", { timeout: 120_000 }, () => {
  const folder = join(import.meta.dirname, "..", "..", ".vitest", "generated");
  const tsconfig = {
    compilerOptions: {
      strict: true,
      noEmit: true,
      module: "esnext",
      moduleResolution: "bundler",
      target: "es2022",
      lib: ["es2024", "dom"],
      allowImportingTsExtensions: true,
      types: [],
      paths: { "openapi-fetch": [join(GENERATOR, "node_modules", "openapi-fetch")] },
    },
    include: ["."],
  };
  const typeErrors = () => spawnSync("tsc", ["-p", folder], { encoding: "utf8", env: process.env }).stdout;
  const document = () => JSON.parse(text) as Described; // as the tests above hold it

  beforeAll(() => {
    mkdirSync(folder, { recursive: true });
    generateClient(folder);
    writeFileSync(join(folder, "package.json"), '{"type":"module"}');
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(tsconfig));
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("makes every call with its example, and takes the answer that is shown", () => {
    expect(writeCalls(folder, document())).toBeGreaterThan(100);
    expect(typeErrors()).toBe("");
  });

  test("refuses a call without what it must have, and knows what is answered", () => {
    const wrong: Described = {
      paths: {
        "/v1/inferences": {
          post: {
            requestBody: { content: { "application/json": { example: { model: "colors" } } } },
            responses: { 202: { content: { "application/json": { example: { id: 1 } } } } },
          },
        },
      },
    };
    writeCalls(folder, wrong);
    expect(typeErrors()).toMatch(/Property 'input' is missing[^]*Type 'number' is not assignable to type 'string'/);
  });
});
