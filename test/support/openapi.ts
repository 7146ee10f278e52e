/**
 * docs/openapi.json: OpenAPI 3.1, made from the table of routes, the schemas that it checks and types with, what each wire makes of
 * each problem, and the examples that test/worker/examples.test.ts has sent. Nothing is said here that those say.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import type { Dialect, Route } from "../../src/http/route.ts";
import { PROBLEM_CODES, type ProblemCode, problem } from "../../src/problem.ts";
import { DIALECTS } from "../../src/wires.ts";
import { GLOSSARY } from "./glossary.ts";
import { readable } from "./paths.ts";

export const OPENAPI_FILE = fileURLToPath(new URL("../../docs/openapi.json", import.meta.url));
const EXAMPLES_FILE = fileURLToPath(new URL("examples.json", import.meta.url));

type Json = Record<string, unknown>;

interface Recorded {
  readonly request: {
    readonly params: Readonly<Record<string, string>>;
    readonly query?: Readonly<Record<string, string>>;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: unknown;
  };
  readonly answer: { readonly status: number; readonly contentType: string | null; readonly body?: unknown };
}

/** What the calls of each wire are for, in the order in which readers want them. */
const ABOUT: Readonly<Record<string, string>> = {
  claimcheck: "Submit, wait, watch, read, list and cancel; files, webhooks and usage. Start here.",
  openai: "Chat, completions, embeddings and models, for OpenAI's clients.",
  vody: "The API of Vody, for its clients.",
  reka: "The API of Reka Vision, for its clients.",
  baseten: "The API of Baseten, for its clients.",
  fal: "The API of fal, for its clients.",
  runpod: "The API of RunPod's serverless endpoints, for their clients.",
  replicate: "The API of Replicate, for its clients.",
  oip: "The protocol of Triton, KServe and MLServer, for their clients.",
  admin: "Accounts, keys, models, backends, usage and repairs, for the operator.",
  console: "The pages that show inferences as they run.",
  front: "What this deployment is, and where to go.",
  health: "Whether it answers.",
};

/** The wires in that order. Throws if one is missing there. */
export const DOCUMENTED: readonly Dialect[] = DIALECTS.toSorted((one, other) => placeOf(one) - placeOf(other));

/** The calls of a path as readers want them: what makes something comes before what lists it. */
function inOrder(calls: Json): Json {
  const order = ["post", "get", "put", "patch", "delete"];
  return Object.fromEntries(Object.entries(calls).toSorted(([one], [other]) => order.indexOf(one) - order.indexOf(other)));
}

function placeOf({ name }: Dialect): number {
  const place = Object.keys(ABOUT).indexOf(name);
  if (place === -1) throw new Error(`say in ABOUT what the calls of "${name}" are for`);
  return place;
}

/** What may be refused, by what a route is; the router and the body reader refuse before a handler sees the call. */
const OF_KEY = ["missing_key", "invalid_key", "revoked_key", "expired_key", "missing_scope", "rate_limited"] as const;
const OF_OPERATOR = ["invalid_admin_token", "rate_limited"] as const;
/** Of the console's session, which takes a key or the operator's token in one call and keeps it for the next. */
const OF_SESSION = ["invalid_key", "revoked_key", "expired_key"] as const;
const OF_BODY = ["bad_json", "bad_request", "body_too_slow", "body_too_large", "unsupported_media_type", "invalid_input"] as const;
const OF_ANY = ["internal", "unavailable"] as const;
const OF_LINK: readonly ProblemCode[] = ["link_not_valid", "file_not_found", "not_found", "payload_gone", "not_finished", "rate_limited"];

function refusalsOf({ access, body, method, params, path, query }: Route): readonly ProblemCode[] {
  if (path.startsWith("/v1/links/")) return [...OF_LINK, ...OF_ANY];
  if (path.startsWith("/replicate/v1/streams/")) return [...OF_LINK, "inference_not_found", "bad_request", "too_many_waiting", ...OF_ANY];
  if (path.startsWith("/v1/progress/")) return ["link_not_valid", "conflict", ...OF_BODY, ...OF_ANY];
  const isRead = method === "GET" && access !== "submit";
  return [
    ...(access === "open" ? [] : access === "operator" ? OF_OPERATOR : OF_KEY),
    ...(query ? (["invalid_input", "bad_request"] as const) : []),
    ...(body ? OF_BODY : []),
    ...(params ? (["not_found", "inference_not_found", "file_not_found", "model_not_found"] as const) : []),
    ...(LOOKS_UP.test(path) ? (["not_found", "model_not_found"] as const) : []),
    ...(isRead && params && access !== "open" ? (["not_finished", "payload_gone"] as const) : []),
    ...(isRead || access === "open" ? [] : (["conflict", "database_full", "model_not_found"] as const)),
    ...(access === "submit" && !isRead ? OF_SUBMIT : []),
    ...(access === "cancel" ? (["already_final", "not_finished"] as const) : []),
    ...((method === "POST" || access === "submit") && SPENDS.test(path) ? (["budget_exceeded"] as const) : []),
    ...(WAITING.test(path) ? (["bad_request"] as const) : []),
    ...(path.endsWith("/webhooks/default/secret") ? (["conflict"] as const) : []),
    ...(path === "/console/session" && method !== "DELETE" ? OF_SESSION : []),
    ...(path === "/console/session" && method === "POST" ? OF_OPERATOR : []),
    ...(PAYLOADS.test(path) ? (["payloads_hidden"] as const) : []),
    ...(path.endsWith("/storage/files/:token") ? OF_UPLOAD : []),
    ...OF_ANY,
  ];
}
/** Of a file that is sent by a link. */
const OF_UPLOAD = ["link_not_valid", "quota_exceeded", "digest_mismatch", "rate_limited"] as const;
const OF_SUBMIT = PROBLEM_CODES.filter((code) =>
  /^(?:idempotency|invalid_input|payload|quota|digest|upload|too_many|inference_failed|not_implemented|model_not|file_not|body_too_large)/.test(
    code,
  ),
);

/** Calls that wait for a backend: its own status may come through. */
const WAITS =
  /\/(?:predict|run_remote|completions|embeddings|infer|generate|generate_stream)$|\/sync\/|\/results?$|^\/fal\/run\/|^\/fal\/.*\/requests\/:id(?:\/response)?$/;

/** Calls that look up what their query names. */
const LOOKS_UP = /\/overview$/;

/** Calls of the operator that show what an account has sent or got. */
const PAYLOADS = /^\/admin\/v1\/inferences\/.*\/(?:input|result(?:\/.*)?)$/;

/** Calls that submit one inference, which a client may repeat; test/worker/examples.test.ts holds this and the next to what is so. */
const SUBMITS =
  /^\/v1\/(?:inferences|completions|embeddings)$|\/chat\/completions$|^\/inference\/|^\/v2\/inference\/.*:capability$|^\/baseten\/.*(?:predict|run_remote|:rest\+?)$|^\/runpod\/.*\/run(?:sync)?$|^\/replicate\/.*\/predictions$|^\/fal\/(?:queue|run)\/(?:\(.*\))?:app\+(?:\/stream)?$|^\/v2\/.*\/(?:infer|generate|generate_stream)$/;

/** Calls that make work, which costs. */
const SPENDS = new RegExp(`^/v1/inferences/(?:bulk|(?:.*/)?redrive)$|^/runpod/.*/retry/:id$|${SUBMITS.source}`);

/** Calls that wait on demand for the end of an inference. */
const WAITING =
  /^\/v1\/inferences\/:id$|^\/inference\/:id\/status$|^\/v2\/inference\/requests\/:id\/status$|\/async_request\/:id$|^\/runpod\/.*\/status\/:id$|\/predictions\/:id$|^\/fal\/.*\/status$/;

/** Makes the document. Throws if a route has no example, or a schema no description. */
export function openApiText(): string {
  return `${JSON.stringify(openApi(), null, 1)}\n`;
}

export function openApi(): Json {
  const examples = JSON.parse(readFileSync(EXAMPLES_FILE, "utf8")) as Record<string, Recorded>;
  const components = new Components();
  const paths: Record<string, Json> = {};
  for (const dialect of DOCUMENTED) {
    for (const route of dialect.routes) {
      const path = readable(route.path);
      const name = `${route.method} ${path}`;
      const example = examples[name];
      if (!example) throw new Error(`${name} has no example; \`npm run reference\` records the one of test/worker/support/examples.ts`);
      (paths[path] ??= {})[route.method.toLowerCase()] = new Operation(dialect, route, example, components).describe();
    }
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Claimcheck",
      version: "1",
      summary: "Asynchronous inference in front of your own GPU servers.",
      description:
        "Submit an inference, get its id at once, come back for the result: in Claimcheck's own API, or in the API of a vendor whose clients you have.",
      license: { name: "Apache-2.0", identifier: "Apache-2.0" },
    },
    servers: [{ url: "/", description: "This deployment." }],
    tags: DOCUMENTED.map(({ name, title }) => ({ name: title, description: ABOUT[name] })),
    paths: Object.fromEntries(Object.entries(paths).map(([path, calls]) => [path, inOrder(calls)])),
    components: { ...components.described(), securitySchemes: SECURITY, headers: HEADERS },
  };
}

const SECURITY = {
  bearer: {
    type: "http",
    scheme: "bearer",
    description: "An API key: `Authorization: Bearer ck_…`. `Api-Key`, `Key` and `Token` are taken for `Bearer` too.",
  },
  apiKey: { type: "apiKey", in: "header", name: "X-Api-Key", description: "An API key." },
  vodyKey: { type: "apiKey", in: "header", name: "x-vody-api-key", description: "An API key, as Vody's clients send it." },
  operator: { type: "http", scheme: "bearer", description: "The deployment's admin token." },
} as const;

const HEADERS = {
  "X-Request-Id": {
    description: "The request's id; the operator's log has it.",
    schema: { type: "string", format: "uuid", description: "A UUID." },
  },
  RateLimit: {
    description: "What is left of the key's limit, and when it is full again.",
    schema: { type: "string", description: 'Such as `"read";r=19;t=1`.' },
  },
  "RateLimit-Policy": {
    description: "The key's limit for this class of call.",
    schema: { type: "string", description: 'Such as `"read";q=20;w=1`.' },
  },
  "Retry-After": {
    description: "Try again after so many seconds.",
    schema: { type: "string", pattern: "^[0-9]+$", description: "Seconds." },
  },
  Location: { description: "Where the new object is.", required: true, schema: { type: "string", description: "An absolute URL." } },
  ETag: {
    description: "The version that this answer shows, for `If-None-Match`.",
    required: true,
    schema: { type: "string", description: "An entity tag." },
  },
} as const;

const refTo = (kind: string, name: string) => ({ $ref: `#/components/${kind}/${name}` });
const headersOf = (names: readonly (keyof typeof HEADERS)[]) => Object.fromEntries(names.map((name) => [name, refTo("headers", name)]));

/** Schemas and refusals that stand in the document once. */
class Components {
  readonly #schemas = new Map<string, Json>();
  readonly #responses: Record<string, Json> = {};
  readonly #named = new Map<string, z.core.$ZodType>();

  /** Where the schema stands, under its own id or, if it has none, under that name. */
  schema(schema: z.core.$ZodType, io: "input" | "output", name: string): Json {
    const id = z.globalRegistry.get(schema)?.id;
    const known = [...this.#named].find(([, other]) => other === schema)?.[0];
    if (known) return refTo("schemas", known);
    const { $schema: _dialect, $defs = {}, id: _id, ...json } = toJsonSchema(schema, io);
    for (const [inner, its] of Object.entries($defs as Record<string, Json>)) {
      if (!isOfSchemas(inner)) this.#put(inner, its, inner);
      else if (!JSON.stringify(its).includes("$dynamicRef"))
        throw new Error(`a schema in ${name} holds itself; name it with .meta({ id })`);
    }
    const own = id ?? name;
    this.#named.set(own, schema);
    if (json["$ref"] !== `#/$defs/${own}`) this.#put(own, json, own);
    return refTo("schemas", own);
  }

  #put(name: string, { id: _id, ...json }: Json, place: string): void {
    this.#schemas.set(name, described(json, place));
  }

  /** Every status by which a wire refuses with one of these codes, each with the codes it may mean. */
  refusals(dialect: Dialect, codes: readonly ProblemCode[]): Record<string, Json> {
    const error = this.schema(dialect.error, "output", `${pascal(dialect.name)}Error`);
    const byStatus = Map.groupBy(new Set(codes), (code) => dialect.refuse(problem(code), { requestId: REQUEST_ID }).status);
    return Object.fromEntries(
      [...byStatus].map(([status, its]) => {
        const name = `${pascal(dialect.name)}${status}${its.map(pascal).join("")}`;
        this.#responses[name] ??= refusalOf(dialect, its, status, error);
        return [String(status), refTo("responses", name)];
      }),
    );
  }

  described(): Json {
    return {
      schemas: Object.fromEntries([...this.#schemas].toSorted(([one], [other]) => (one < other ? -1 : 1))),
      responses: this.#responses,
    };
  }
}

const REQUEST_ID = "01900000-0000-7000-8000-000000000000";

function refusalOf(dialect: Dialect, codes: readonly ProblemCode[], status: number, error: Json): Json {
  const shown = codes.map((code) => ({ code, refused: problem(code), answer: dialect.refuse(problem(code), { requestId: REQUEST_ID }) }));
  const type = shown[0]?.answer.headers.get("content-type") ?? "application/json";
  return {
    description: [...new Set(shown.map(({ refused }) => `${refused.title}.`))].join(" "),
    headers: headersOf(["X-Request-Id", ...(status === 429 || status === 503 || status === 409 ? (["Retry-After"] as const) : [])]),
    content: { [type]: { schema: error } },
  };
}

/** One call of a route, as OpenAPI describes it. */
class Operation {
  readonly #dialect: Dialect;
  readonly #route: Route;
  readonly #example: Recorded;
  readonly #components: Components;
  readonly #id: string;

  constructor(dialect: Dialect, route: Route, example: Recorded, components: Components) {
    this.#dialect = dialect;
    this.#route = route;
    this.#example = example;
    this.#components = components;
    this.#id = `${route.method.toLowerCase()}${pascal(readable(route.path))}`;
  }

  describe(): Json {
    const { access, summary } = this.#route;
    const ofKey = [{ bearer: [] }, { apiKey: [] }, { vodyKey: [] }];
    return {
      operationId: this.#id,
      tags: [this.#dialect.title],
      summary: summary.replace(/\.$/, ""),
      description:
        access === "open"
          ? `${summary} Needs no key.`
          : `${summary} Needs ${access === "operator" ? "the admin token" : `a key with the scope \`${access}\``}.`,
      security: access === "open" ? [] : access === "operator" ? [{ operator: [] }] : ofKey,
      ...this.#parameters(),
      ...this.#requestBody(),
      responses: this.#responses(),
    };
  }

  #parameters(): Json {
    const { params, query, deep } = this.#route;
    const { request } = this.#example;
    const of = (schema: z.core.$ZodType | undefined, where: "path" | "query", examples: Readonly<Record<string, string>> = {}) => {
      const json = schema ? (toJsonSchema(schema, "input") as { properties?: Record<string, Json>; required?: string[] }) : {};
      return Object.entries(json.properties ?? {}).map(([name, its]) => {
        const { description, ...rest } = described(its, name, name);
        const required = where === "path" || json.required?.includes(name) === true;
        const example = examples[name];
        return {
          name,
          in: where,
          ...(where === "query" && name === deep && { style: "deepObject", explode: true }),
          required,
          description,
          schema: { description, ...rest },
          ...(example === undefined ? {} : { example: shownAs(example, rest) }),
        };
      });
    };
    const headers = Object.entries(HEADER_PARAMETERS).filter(([, { fits }]) => fits(this.#route));
    const parameters = [
      ...of(params, "path", request.params),
      ...of(query, "query", request.query),
      ...headers.map(([name, { description, pattern }]) => ({
        name,
        in: "header",
        required: false,
        description,
        schema: { type: "string", description, ...(pattern === undefined ? {} : { pattern }) },
        ...(request.headers?.[name] === undefined ? {} : { example: request.headers[name] }),
      })),
    ];
    return parameters.length === 0 ? {} : { parameters };
  }

  #requestBody(): Json {
    const { body } = this.#route;
    if (!body) return {};
    const example = this.#example.request.body;
    const shown = example === undefined ? {} : { example };
    const types = "json" in body ? { "application/json": body.json } : body.raw;
    const content = Object.entries(types).flatMap(([type, schema], place) =>
      typeof schema === "string"
        ? contentOf(type, schema, place === 0 ? shown : {})
        : [
            [
              type,
              {
                schema: this.#components.schema(schema, "input", `${pascal(this.#id)}Body`),
                ...(place === 0 && !isForm(type) ? shown : {}),
              },
            ] as const,
          ],
    );
    return {
      requestBody: {
        description: "json" in body ? "The request, as JSON." : "The request, in one of these media types.",
        required: "json" in body && body.mayBeMissing !== true && !z.safeParse(body.json, undefined).success,
        content: Object.fromEntries(content),
      },
    };
  }

  #responses(): Json {
    const { answers, access, path } = this.#route;
    const refusals = this.#components.refusals(this.#dialect, refusalsOf(this.#route));
    const shown = Object.entries(answers).filter(([status, { json, other }]) => json || other || !(status in refusals));
    const good = shown.map(([status, { description, json, other }]) => {
      const isShown = Number(status) === this.#example.answer.status;
      const example = isShown && this.#example.answer.body !== undefined ? { example: this.#example.answer.body } : {};
      const isJson = this.#example.answer.contentType?.includes("json") === true;
      const content = {
        ...(json
          ? {
              "application/json": {
                schema: this.#components.schema(json, "output", `${pascal(this.#id)}${status}`),
                ...(isJson ? example : {}),
              },
            }
          : {}),
        ...Object.fromEntries(Object.entries(other ?? {}).flatMap(([type, what]) => contentOf(type, what, json && isJson ? {} : example))),
      };
      const names = [
        "X-Request-Id" as const,
        ...(access === "open" || access === "operator" ? [] : (["RateLimit", "RateLimit-Policy"] as const)),
        ...(locates(this.#route, status) ? (["Location"] as const) : []),
        ...(hasVersion(this.#route, status) ? (["ETag"] as const) : []),
      ];
      return [status, { description, headers: headersOf(names), ...(json || other ? { content } : {}) }] as const;
    });
    const error = this.#components.schema(this.#dialect.error, "output", `${pascal(this.#dialect.name)}Error`);
    const other = { description: "Any other status that the backend answered with.", content: { "application/json": { schema: error } } };
    return { ...refusals, ...Object.fromEntries(good), ...(WAITS.test(path) ? { default: other } : {}) };
  }
}

/** An example of a form is text, and its schema that of an object. */
const isForm = (type: string) => type === "multipart/form-data";

const BYTES = { type: "string", format: "binary" };

/** A form with one file; what the field is called is the client's to say, and other fields are passed over. */
const FORM = { type: "object", properties: { file: { description: "The file.", ...BYTES } } };

/** What is not JSON by its media type. Bytes of any type stand as `application/octet-stream` too, which more generators of clients can read than a range. */
function contentOf(type: string, description: string, example: Json): (readonly [type: string, content: Json])[] {
  const any = [type, { schema: { description, ...(isForm(type) ? FORM : {}) }, ...example }] as const;
  return type === "*/*" ? [["application/octet-stream", { schema: { description, ...BYTES } }], any] : [any];
}

/** Whether an answer says by `Location` where what was made is. */
function locates({ method, path }: Route, status: string): boolean {
  if (method !== "POST" || (!SUBMITS.test(path) && !/^\/v1\/(?:files|uploads|webhooks)$/.test(path))) return false;
  return status === "201" || status === "202" || (status === "200" && path === "/v1/inferences");
}

/** Whether an answer names the version that it shows. OpenAI's clients get a file as an object, without one, where others get its bytes. */
function hasVersion({ path, answers }: Route, status: string): boolean {
  return 304 in answers && ["200", "206", "304"].includes(status) && !(status === "200" && path === "/v1/files/:id");
}

const HEADER_PARAMETERS: Readonly<Record<string, { description: string; pattern?: string; fits: (route: Route) => boolean }>> = {
  "Idempotency-Key": {
    description: "Names the call: the same call sent again with it is answered as the first was.",
    pattern: "^[ -~]*[!-~][ -~]*$", // printable ASCII, and not blanks alone
    fits: ({ method, path }) => method === "POST" && (SUBMITS.test(path) || path === "/v1/batches"),
  },
  Prefer: {
    description: "`wait=N`: answer when the inference has ended, or after N seconds at the latest.",
    fits: ({ method, path }) =>
      (method === "GET" && WAITING.test(path)) || (method === "POST" && /^\/v1\/inferences$|^\/replicate\/.*\/predictions$/.test(path)),
  },
  "If-None-Match": {
    description: "The `ETag` that the client has: 304 if it is still right.",
    fits: ({ answers }) => 304 in answers,
  },
  Range: {
    description: "The bytes that are wanted of it: `bytes=0-99`, `bytes=100-` or `bytes=-100`.",
    fits: ({ answers }) => 206 in answers,
  },
  "If-Range": {
    description: "With `Range`: the `ETag` of what the client has a part of. If it is another by now, all of it is sent.",
    fits: ({ answers }) => 206 in answers,
  },
};

/** A path or query value as its type has it. */
function shownAs(text: string, { type }: Json): unknown {
  return type === "integer" || type === "number" ? Number(text) : text;
}

function toJsonSchema(schema: z.core.$ZodType, io: "input" | "output"): Json {
  return z.toJSONSchema(schema, { io, unrepresentable: "any" }) as Json; // what it returns has a prototype of its own beside
}

/** The one schema that holds itself and has no name: of schemas, which describe themselves. */
const OF_SCHEMAS = {
  description: "A JSON Schema, draft 2020-12.",
  anyOf: [{ type: "object", additionalProperties: {} }, { type: "boolean" }],
};

/** The schema with a description at each member. Throws if neither it nor the glossary has one. */
function described(json: Json, place: string, name = ""): Json {
  const own = typeof json["description"] === "string" || "$ref" in json || name === "" ? {} : { description: wordFor(name, place) };
  if (isOfSchemas(String(json["$ref"]))) return OF_SCHEMAS;
  const entries = Object.entries(json).map(([keyword, its]): [string, unknown] => {
    if (keyword === "$ref") return [keyword, String(its).replace("#/$defs/", "#/components/schemas/")];
    if (keyword === "properties") {
      return [
        keyword,
        Object.fromEntries(
          Object.entries(its as Record<string, Json>).map(([member, inner]) => [
            member,
            saidDefault(described(inner, `${place}.${member}`, member)),
          ]),
        ),
      ];
    }
    if (["items", "additionalProperties", "not", "propertyNames"].includes(keyword) && typeof its === "object")
      return [keyword, described(its as Json, place)];
    if (["anyOf", "oneOf", "allOf", "prefixItems"].includes(keyword))
      return [keyword, (its as Json[]).map((inner) => described(inner, place))];
    return keyword === "type" && isUnion(its) ? ["anyOf", its.map((type) => ({ type, ...widthOf({ type }) }))] : [keyword, its];
  });
  return { ...own, ...Object.fromEntries(entries), ...widthOf(json) };
}

const INT32_MAX = 2_147_483_647;

/**
 * How wide a number is. Where no format says so, openapi-generator 7.25.0 takes 32 bits for an integer in clients for Go and Java, and for
 * any number in those for Go, whatever its maximum is: such a client refuses an answer with more bytes than that, and rounds a fraction.
 */
function widthOf({ type, maximum = Infinity, enum: values }: Json): Json {
  if (type === "integer") return Number(maximum) > INT32_MAX && values === undefined ? { format: "int64" } : {};
  return type === "number" || (Array.isArray(type) && type.join() === "number,null") ? { format: "double" } : {};
}

/** Whether it is a list of types, null apart: oapi-codegen 2.8.2 and ogen 1.25.0 make no Go client of a document with one, and read `anyOf`. */
function isUnion(type: unknown): type is string[] {
  return Array.isArray(type) && type.filter((name) => name !== "null").length > 1;
}

/**
 * A member with its default in words. Generators of clients take a member that has the keyword for one that is always there, and
 * would have their callers send it.
 */
function saidDefault({ default: value, ...member }: Json): Json {
  const description = String(member["description"]);
  if (value === undefined || /\bdefault\b/.test(description)) return member;
  return { ...member, description: `${description} By default ${JSON.stringify(value)}.` };
}

function isOfSchemas(reference: string): boolean {
  return /^(?:#\/\$defs\/)?__schema\d+$/.test(reference);
}

export const undescribed: string[] = [];

function wordFor(name: string, place: string): string {
  const word = GLOSSARY[name];
  if (word === undefined) undescribed.push(place);
  return word ?? "";
}

function pascal(text: string): string {
  return text
    .split(/[^A-Za-z0-9]+/)
    .filter((part) => part !== "")
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join("");
}
