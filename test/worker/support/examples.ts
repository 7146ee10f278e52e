/**
 * One call of every route as a client would make it: what stands in the path, the query and the body. The test sends them to
 * the Worker in this order, and docs/openapi.json shows them with what was answered.
 */
import { env } from "cloudflare:workers";
import { signProgress } from "../../../src/inferences/progress-token.ts";
import type { Route } from "../../../src/http/route.ts";
import { FAL } from "./examples-fal.ts";
import { REPLICATE } from "./examples-replicate.ts";
import { claimed, ended, expire, queued, submitted } from "./inferences.ts";
import { type ScriptedBackend, backendIs } from "./outside.ts";
import { ORIGIN, as, call, object, operator } from "./requests.ts";
import { newBackend, newTenant } from "./tenants.ts";

export interface Example {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string>>;
  /** JSON, or the bytes themselves if there is a content type. */
  readonly body?: unknown;
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** It is sent with the key, though the route is open. */
  readonly signed?: true;
  /** Another key than the world's. */
  readonly key?: string;
}

type Make = (world: World) => Example | Promise<Example>;

export interface World {
  readonly key: string;
  readonly accountId: string;
  readonly backendId: string;
  /** An inference that has succeeded, and told a webhook so. */
  readonly done: string;
  readonly webhookId: string;
}

const HOOK = "https://app.example.com/hooks";
const PICTURE = { image_path: "https://example.com/sneaker.png", product_type: "Shoes" };
const TENSOR = { name: "x", shape: [2], datatype: "FP32", data: [1.5, 2.5] };

/** Servers that answer at once, a receiver that takes everything, and names that are public. */
export const outside: ScriptedBackend = async (request) => {
  const { hostname, pathname } = new URL(request.url);
  if (hostname === "cloudflare-dns.com") return Response.json({ Status: 0, Answer: [{ type: 1, data: "93.184.215.14" }] });
  if (!hostname.endsWith(".gpu.test")) return new Response("taken");
  if (request.method === "GET" && /^\/v2\/models\/[^/]+(?:\/versions\/[^/]+)?$/.test(pathname)) {
    const tensors = [{ name: "x", datatype: "FP32", shape: [-1] }];
    return Response.json({ name: "doubling", versions: ["1"], platform: "example", inputs: tensors, outputs: tensors });
  }
  if (request.method === "GET") return Response.json({ ready: true });
  const body: { stream?: boolean; inputs?: object[] } = await request.json();
  const text = { model_name: "doubling", model_version: "1", text_output: " blue." };
  if (pathname.endsWith("/generate")) return Response.json(text);
  if (pathname.endsWith("/generate_stream")) return events([text]);
  if (body.stream) {
    const chunk = { id: "c", object: "chat.completion.chunk", created: 1, model: "m" };
    return events([
      { ...chunk, choices: [{ index: 0, delta: { content: "Blue." }, finish_reason: null }] },
      { ...chunk, choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
      "[DONE]",
    ]);
  }
  if (pathname.endsWith("/chat/completions")) {
    const message = { role: "assistant", content: "Blue." };
    const choices = [{ index: 0, message, finish_reason: "stop" }];
    return Response.json({ id: "c", object: "chat.completion", created: 1, model: "m", choices, usage: USAGE });
  }
  if (pathname.endsWith("/completions")) {
    const choices = [{ index: 0, text: " blue.", finish_reason: "stop", logprobs: null }];
    return Response.json({ id: "c", object: "text_completion", created: 1, model: "m", choices, usage: USAGE });
  }
  if (pathname.endsWith("/embeddings")) {
    const data = [{ object: "embedding", index: 0, embedding: [0.25, -0.5] }];
    return Response.json({ object: "list", data, model: "m", usage: { prompt_tokens: 2, total_tokens: 2 } });
  }
  if (body.inputs) return Response.json({ model_name: "doubling", outputs: body.inputs });
  if (hostname === "drawing.gpu.test") return Response.json({ image: btoa("a picture") });
  return Response.json([{ colors: [{ name: "white", hex: "#ffffff", share: 0.8 }] }]);
};
const events = (some: readonly unknown[]) =>
  new Response(some.map((each) => `data: ${typeof each === "string" ? each : JSON.stringify(each)}\n\n`).join(""), {
    headers: { "Content-Type": "text/event-stream" },
  });
const USAGE = { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 };

const COLORS = { description: "Colours of pictures.", capabilities: ["colors", "run_remote"] };

/** An account with models, and an inference that has run. */
export async function newWorld(): Promise<World> {
  backendIs(outside);
  const { key, accountId } = await newTenant();
  const versions = ["v1", "development"];
  await operator("POST", "/models", { name: "color-classification", versions, default_version: "v1", ...COLORS });
  await operator("POST", "/models", { name: "doubling", versions: ["1"], default_version: "1" });
  await operator("POST", "/models", { name: "chat" });
  await operator("POST", "/models", { name: "drawing", output_files: [{ field: "image", content_type: "image/png" }] });
  await operator("POST", "/models", { name: "training" });
  await operator("POST", "/models", { name: "idle", description: "No backend serves it." });
  const backends = await Promise.all([
    ...versions.map((version) => newBackend("color-classification", { protocol: "http", version, url: "https://colors.gpu.test/" })),
    newBackend("doubling", { version: "1", url: "https://tensors.gpu.test" }),
    newBackend("drawing", { protocol: "http", url: "https://drawing.gpu.test/" }),
    newBackend("training", { protocol: "http", url: "https://training.gpu.test/" }),
    newBackend("chat", { protocol: "openai", url: "https://chat.gpu.test/v1" }),
  ]);
  const hook = await object(as(key, "POST", "/v1/webhooks", { url: HOOK }));
  const done = await submitted(key, "color-classification", [PICTURE], { webhook: { url: HOOK }, metadata: { order: "4711" } });
  await ended(key, done);
  return { key, accountId, backendId: backends[0] ?? "", done, webhookId: String(hook["id"]) };
}

const waiting: Make = async ({ key }) => ({ params: { id: await submitted(key, "idle", [PICTURE]) } });
const done: Make = ({ done: id }) => ({ params: { id } });
const ofCanceled: Make = async ({ key }) => {
  const id = await submitted(key, "idle", [PICTURE]);
  await as(key, "POST", `/v1/inferences/${id}/cancel`);
  return { params: { id } };
};
const expired = async ({ key }: World) => {
  const id = await submitted(key, "idle", [PICTURE]);
  await expire(id);
  return { params: { id } };
};
const newFile = async ({ key }: World, bytes = "a picture", type = "image/png") => {
  const headers = { "X-Api-Key": key, "Content-Type": type };
  return String((await object(call("/v1/files", { method: "POST", body: bytes, headers })))["id"]);
};
const BATCH = { endpoint: "/v1/chat/completions", completion_window: "24h" };
const newLines = (world: World) =>
  newFile(world, JSON.stringify({ custom_id: "one", method: "POST", url: BATCH.endpoint, body: chat.body }), "application/jsonl");
const newBatch = async (world: World) =>
  String((await object(as(world.key, "POST", "/v1/batches", { input_file_id: await newLines(world), ...BATCH })))["id"]);
const file: Make = async (world) => ({ params: { id: await newFile(world) } });
const newUpload = async ({ key }: World) => String((await object(as(key, "POST", "/v1/uploads", { bytes: 9, name: "sneaker.png" })))["id"]);
const newLink = async (world: World) => {
  const { url } = await object(as(world.key, "POST", `/v1/files/${await newFile(world)}/link`, {}));
  return { params: { token: String(url).split("/").at(-1) ?? "" } };
};
const deliveryOf = async ({ key, done: id }: World) => {
  const { deliveries } = (await object(as(key, "GET", `/v1/inferences/${id}/deliveries`))) as { deliveries: { id: string }[] };
  return deliveries[0]?.id ?? "";
};
const webhook: Make = ({ webhookId: id }) => ({ params: { id } });
const newAccount = async () => String((await object(operator("POST", "/accounts", { name: "Acme" })))["id"]);
const newKey = async ({ accountId }: World) => String((await object(operator("POST", "/keys", { account_id: accountId })))["id"]);
const aModel = async (): Promise<Example> => {
  const name = "sentiment";
  await operator("POST", "/models", { name });
  return { params: { name } };
};
const aBackend = async () => ({ params: { id: await newBackend("idle", { protocol: "http" }) } });
const ofPart = async ({ key, accountId: account }: World) => {
  const id = await submitted(key, "drawing", { prompt: "A blue sky." });
  const { output_parts: parts } = (await ended(key, id)) as { output_parts?: { name: string }[] };
  return { params: { account, id, part: parts?.[0]?.name ?? "" } };
};
const chat: Example = { body: { model: "chat", messages: [{ role: "user", content: "What colour is the sky?" }] } };

const EXAMPLES: Readonly<Record<string, Make>> = {
  ...REPLICATE,
  "POST /v1/chat/completions": () => chat,
  "POST /v2/inference/chat/completions": () => chat,
  "POST /v1/batches": async (world) => ({ body: { input_file_id: await newLines(world), ...BATCH } }),
  "GET /v1/batches": () => ({ query: { limit: "1" } }),
  "GET /v1/batches/{id}": async (world) => ({ params: { id: await newBatch(world) } }),
  "POST /v1/batches/{id}/cancel": async (world) => ({ params: { id: await newBatch(world) } }),
  "POST /v1/completions": () => ({ body: { model: "chat", prompt: "The sky is" } }),
  "POST /v1/embeddings": () => ({ body: { model: "chat", input: "The sky is blue." } }),
  "GET /v1/models": () => ({}),
  "GET /v1/models/{name}": () => ({ params: { name: "color-classification" } }),
  "POST /inference/{model}": () => ({ params: { model: "color-classification" }, body: [PICTURE] }),
  "GET /v2/inference/models": () => ({}),
  "GET /v2/inference/requests": () => ({ query: { limit: "1" } }),
  "POST /v2/inference/requests/{id}/cancel": waiting,
  "POST /v2/inference/{model}/{capability}": () => ({
    params: { model: "color-classification", capability: "colors" },
    body: { input: { items: [PICTURE] } },
  }),
  "GET /async_request/{id}": done,
  "DELETE /async_request/{id}": waiting,
  "GET /baseten/{model}/async_request/{id}": ({ done: id }) => ({ params: { model: "color-classification", id } }),
  "DELETE /baseten/{model}/async_request/{id}": async (world) => ({ params: { model: "idle", ...(await waiting(world)).params } }),
  ...FAL,
  "POST /v1/inferences": () => ({
    body: { model: "color-classification", input: [PICTURE], metadata: { order: "4711" } },
    headers: { "Idempotency-Key": "order-4711" },
  }),
  "DELETE /v1/inferences/{id}": ofCanceled,
  "POST /v1/inferences/{id}/cancel": waiting,
  "POST /v1/inferences/{id}/redrive": expired,
  "POST /v1/inferences/cancel": () => ({ body: { model: "idle", dry_run: true } }),
  "POST /v1/inferences/bulk": () => ({
    body: [
      { model: "idle", input: { text: "a red dress" }, idempotency_key: "order-17" },
      { model: "nobody", input: { text: "a blue one" } },
    ],
  }),
  "POST /v1/inferences/redrive": () => ({ body: { error_class: "infrastructure", dry_run: true } }),
  "POST /v1/webhooks/resend": () => ({ body: { since: "2026-01-31T12:00:00Z" } }),
  "POST /v1/webhooks/deliveries/{delivery}/resend": async (world) => ({ params: { delivery: await deliveryOf(world) } }),
  "POST /v1/webhooks/{id}/resend": ({ webhookId: id }) => ({ params: { id }, body: { since: "2026-01-31T12:00:00Z" } }),
  "POST /v1/webhooks": () => ({ body: { url: `${HOOK}/endings`, events: ["inference.succeeded", "inference.failed"] } }),
  "POST /v1/webhooks/enable": () => ({ body: { url: HOOK } }),
  "PATCH /v1/webhooks/{id}": ({ webhookId: id }) => ({ params: { id }, body: { events: ["inference.succeeded"] } }),
  "POST /v1/inferences/{id}/deliveries/{delivery}/resend": async (world) => ({
    params: { id: world.done, delivery: await deliveryOf(world) },
  }),
  "GET /v1/inferences/{id}/result/{part}": async (world) => {
    const { id, part } = (await ofPart(world)).params;
    return { params: { id, part } };
  },
  "GET /v1/inferences/{id}/stream": async ({ key }) => {
    const id = await submitted(key, "chat", { messages: [{ role: "user", content: "What colour is the sky?" }] }, { stream: true });
    await ended(key, id);
    return { params: { id } };
  },
  "DELETE /v1/webhooks/{id}": async ({ key }) => ({
    params: { id: String((await object(as(key, "POST", "/v1/webhooks", { url: `${HOOK}/old` })))["id"]) },
  }),
  "POST /v1/progress/{token}": async ({ accountId }) => {
    await queued("training", { accountId });
    const { id, attempt } = await claimed("training");
    return {
      params: { token: await signProgress({ accountId, id, attempt }, env.KEY_SECRET) },
      body: { progress: 0.5, message: "Epoch 2 of 3." },
    };
  },
  "POST /v1/files": () => ({ query: { name: "sneaker.png" }, body: "a picture", contentType: "image/png" }),
  "GET /v1/files": () => ({ query: { limit: "1" } }),
  "POST /v1/uploads": () => ({ body: { bytes: 9_000_000, name: "video.mp4", content_type: "video/mp4" } }),
  "GET /v1/uploads/{id}": async (world) => ({ params: { id: await newUpload(world) } }),
  "DELETE /v1/uploads/{id}": async (world) => ({ params: { id: await newUpload(world) } }),
  "PUT /v1/uploads/{id}/parts/{number}": async (world) => ({
    params: { id: await newUpload(world), number: "1" },
    body: "a picture",
    contentType: "application/octet-stream",
  }),
  "POST /v1/uploads/{id}/complete": async (world) => {
    const id = await newUpload(world);
    await call(`/v1/uploads/${id}/parts/1`, { method: "PUT", body: "a picture", headers: { "X-Api-Key": world.key } });
    return { params: { id } };
  },
  "POST /v1/files/{id}/link": async (world) => ({ params: { id: await newFile(world) }, body: { expires_in_seconds: 3_600 } }),
  "POST /v1/inferences/{id}/link": ({ done: id }) => ({ params: { id }, body: { expires_in_seconds: 3_600 } }),
  "GET /v1/models/{name}/queue": () => ({ params: { name: "color-classification" } }),
  "POST /admin/v1/accounts": () => ({ body: { name: "Acme" } }),
  "GET /admin/v1/accounts": () => ({ query: { limit: "1" } }),
  "PATCH /admin/v1/accounts/{id}": async () => ({ params: { id: await newAccount() }, body: { open_limit: 1_000 } }),
  "POST /admin/v1/keys": ({ accountId }) => ({ body: { account_id: accountId, name: "Server", scopes: ["submit", "read", "cancel"] } }),
  "GET /admin/v1/keys": ({ accountId }) => ({ query: { account_id: accountId, limit: "1" } }),
  "PATCH /admin/v1/keys/{id}": async (world) => ({ params: { id: await newKey(world) }, body: { limits: { read: 50 } } }),
  "POST /admin/v1/keys/{id}/rotate": async (world) => ({ params: { id: await newKey(world) }, body: { overlap_seconds: 3_600 } }),
  "POST /admin/v1/inferences/{account}/{id}/cancel": async (world) => ({
    params: { account: world.accountId, ...(await waiting(world)).params },
  }),
  "POST /admin/v1/inferences/{account}/{id}/redrive": async (world) => ({
    params: { account: world.accountId, ...(await expired(world)).params },
  }),
  "POST /admin/v1/inferences/{account}/{id}/deliveries/{delivery}/resend": async (world) => ({
    params: { account: world.accountId, id: world.done, delivery: await deliveryOf(world) },
  }),
  "POST /admin/v1/webhooks/{account}/deliveries/{delivery}/resend": async (world) => ({
    params: { account: world.accountId, delivery: await deliveryOf(world) },
  }),
  "POST /admin/v1/webhooks/{account}/enable": ({ accountId: account }) => ({ params: { account }, body: { url: HOOK } }),
  "POST /admin/v1/webhooks/{account}/resend": ({ accountId: account }) => ({
    params: { account },
    body: { since: "2026-01-31T12:00:00Z" },
  }),
  "POST /admin/v1/webhooks/{account}/{id}/resend": ({ accountId: account, webhookId: id }) => ({
    params: { account, id },
    body: { since: "2026-01-31T12:00:00Z" },
  }),
  "GET /admin/v1/audit": ({ accountId }) => ({ query: { target: accountId } }),
  "POST /admin/v1/models": () => ({ body: { name: "speech", description: "Speech to text." } }),
  "GET /admin/v1/models": () => ({ query: { limit: "1" } }),
  "PATCH /admin/v1/models/{name}": () => ({ params: { name: "speech" }, body: { description: "Speech to text, in 20 languages." } }),
  "PUT /admin/v1/models/{name}/schema": () => ({
    params: { name: "speech" },
    body: { input_schema: { type: "object", required: ["audio"], properties: { audio: { type: "string", format: "uri" } } } },
  }),
  "GET /admin/v1/models/{name}/schema": () => ({ params: { name: "speech" } }),
  "DELETE /admin/v1/models/{name}/schema": () => ({ params: { name: "speech" } }),
  "POST /admin/v1/models/{name}/schema/import": () => ({ params: { name: "doubling" }, body: {} }),
  "DELETE /admin/v1/models/{name}": aModel,
  "POST /admin/v1/backends": () => ({
    body: { model: "speech", url: "https://gpu-1.gpu.test", protocol: "http", max_concurrency: 2, timeout_seconds: 300 },
  }),
  "GET /admin/v1/backends": () => ({ query: { model: "color-classification", limit: "1" } }),
  "PATCH /admin/v1/backends/{id}": async () => ({ ...(await aBackend()), body: { state: "draining" } }),
  "DELETE /admin/v1/backends/{id}": aBackend,
  "POST /admin/v1/redrive": () => ({ body: { error_class: "infrastructure", dry_run: true } }),
  "POST /admin/v1/cancel": ({ accountId }) => ({ body: { account_id: accountId, model: "color-classification", dry_run: true } }),
  "POST /admin/v1/checks": () => ({}),
  "POST /v1/webhooks/rotate": () => ({}),
  "POST /console/session": () => ({ headers: { Origin: ORIGIN, "X-Console": "1" }, signed: true }),
  "DELETE /console/session": () => ({}),
  "POST /admin/v1/recover": () => ({ body: { started_before: "2026-01-31T12:00:00Z" } }),
};

/** Of routes that are alike; the first that fits counts. */
const ALIKE: readonly (readonly [fits: RegExp, make: Make])[] = [
  [/^POST \/baseten\/.*\/async_/, () => ({ params: BASETEN, body: { model_input: { items: [PICTURE] }, webhook_endpoint: HOOK } })],
  [/^POST \/baseten\/.*\/wake$/, () => ({ params: BASETEN })],
  [/^POST \/baseten\/.*\/sync\//, () => ({ params: { ...BASETEN, rest: "colors" }, body: { items: [PICTURE] } })],
  [/^POST \/baseten\//, () => ({ params: BASETEN, body: { items: [PICTURE] } })],
  [/^GET \/baseten\//, () => ({ params: BASETEN })],
  [/^POST \/runpod\/.*\/run/, () => ({ params: BASETEN, body: { input: { items: [PICTURE] }, webhook: HOOK } })],
  [/^POST \/runpod\/.*\/cancel\//, async (world) => ({ params: { ...BASETEN, ...(await waiting(world)).params } })],
  [/^POST \/runpod\/.*\/retry\//, async (world) => ({ params: { ...BASETEN, ...(await expired(world)).params } })],
  [/ \/runpod\//, ({ done: id }) => ({ params: { ...BASETEN, id } })],
  [/^POST \/v2\/models\/.*\/infer$/, () => ({ params: TENSORS, body: { inputs: [TENSOR] } })],
  [
    /^POST \/v2\/models\/.*\/versions\/.*\/generate/,
    () => ({ params: { model: "doubling", version: "1" }, body: { text_input: "The sky is" } }),
  ],
  [/^POST \/v2\/models\/.*\/generate/, () => ({ params: { model: "chat" }, body: { text_input: "The sky is" } })],
  [/^GET \/v2\/models\/\{/, () => ({ params: TENSORS })],
  [/ \/v1\/links\//, newLink],
  [/ \/v1\/files\/\{id\}/, file],
  [/ \/v1\/webhooks\/\{id\}/, webhook],
  [/^(?:GET|DELETE) \/admin\/v1\/accounts\/\{id\}/, async () => ({ params: { id: await newAccount() } })],
  [/^(?:GET|DELETE) \/admin\/v1\/keys\/\{id\}/, async (world) => ({ params: { id: await newKey(world) } })],
  [/^GET \/admin\/v1\/models\/\{name\}/, () => ({ params: { name: "color-classification" } })],
  [/^GET \/admin\/v1\/inferences\/\{account\}\/\{id\}\/result\/\{part\}/, ofPart],
  [/^GET \/admin\/v1\/inferences\/\{account\}/, ({ accountId: account, done: id }) => ({ params: { account, id } })],
  [/^GET \/admin\/v1\/webhooks\/\{account\}/, ({ accountId: account }) => ({ params: { account } })],
  [/^GET \/admin\/v1\/backends\/\{id\}/, ({ backendId: id }) => ({ params: { id } })],
  [/^GET [^{]*\{id\}/, done],
  [/^GET [^{]*$/, () => ({})],
];
const BASETEN = { model: "color-classification", version: "v1" };
const TENSORS = { model: "doubling", version: "1" };

/** The example of a route by the name that readers know it by. Throws if there is none: it belongs into the table above. */
export function exampleFor(name: string, { summary }: Pick<Route, "summary">): Make {
  const make = EXAMPLES[name] ?? ALIKE.find(([fits]) => fits.test(name))?.[1];
  if (!make) throw new Error(`${name} ("${summary}") has no example; add one to test/worker/support/examples.ts`);
  return make;
}
