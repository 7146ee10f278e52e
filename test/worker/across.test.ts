/**
 * One core, many wires: an inference submitted in any dialect is asked about in every other that can ask, in each of its
 * statuses. Everything is the real thing but the GPU server.
 */
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { ROW_CHARGE_BYTES } from "../../src/limits.ts";
import type { Status } from "../../src/inferences/status.ts";
import { expire } from "./support/inferences.ts";
import { held } from "./support/clock.ts";
import { type ScriptedBackend, backendIs } from "./support/outside.ts";
import { type Tenant, newBackend, newModel, newTenant } from "./support/tenants.ts";
import { as, object, operator, until } from "./support/requests.ts";

/** How each dialect hands in a job. Those that wait for the answer are left waiting. */
const SUBMITTERS: Readonly<Record<string, (key: string, model: string, headers?: Record<string, string>) => Promise<Response>>> = {
  claimcheck: (key, model, headers) => as(key, "POST", "/v1/inferences", { model, input: { x: 1 } }, headers),
  vody: (key, model, headers) =>
    as(key, "POST", `/inference/${model}`, [{ image_path: "https://img.test/1.png", product_type: "Shoes" }], headers),
  reka: (key, model, headers) => as(key, "POST", `/v2/inference/${model}/text-to-image`, { input: { prompt: "a red kite" } }, headers),
  baseten: (key, model, headers) => as(key, "POST", `/baseten/${model}/production/async_predict`, { model_input: { x: 1 } }, headers),
  fal: (key, model, headers) => as(key, "POST", `/fal/queue/${model}`, { x: 1 }, headers),
  "fal, waiting": (key, model, headers) => as(key, "POST", `/fal/run/${model}`, { x: 1 }, headers),
  "baseten, waiting": (key, model, headers) => as(key, "POST", `/baseten/${model}/production/predict`, { x: 1 }, headers),
  runpod: (key, model, headers) => as(key, "POST", `/runpod/v2/${model}/run`, { input: { x: 1 } }, headers),
  oip: (key, model, headers) => as(key, "POST", `/v2/models/${model}/infer`, TENSORS, { Prefer: "respond-async", ...headers }),
  "oip, waiting": (key, model, headers) => as(key, "POST", `/v2/models/${model}/infer`, TENSORS, headers),
  openai: (key, model, headers) =>
    as(key, "POST", "/v1/chat/completions", { model, messages: [{ role: "user", content: "hello" }] }, headers),
};
const TENSORS = { inputs: [{ name: "x", shape: [1], datatype: "INT64", data: [1] }] };

const ANSWER = {
  id: "c-1",
  object: "chat.completion",
  created: 1,
  model: "m",
  choices: [{ index: 0, message: { role: "assistant", content: "hi" } }],
};

/** What the model's server does so that an inference gets there; null where it must not be asked. */
const SERVERS: Readonly<Record<Status, ScriptedBackend | null>> = {
  queued: null,
  in_progress: () => answer.promise,
  succeeded: () => Response.json(ANSWER),
  failed: () => Response.json({ error: { message: "not a picture" } }, { status: 400 }),
  canceled: null,
  expired: null,
};

/** Of the server that lets everybody wait until the test is over. */
let answer = held<Response>();

/** What each dialect that can ask says of each status. */
const READERS: Readonly<Record<string, { ask: (key: string, id: string) => Promise<unknown>; says: Readonly<Record<Status, unknown>> }>> = {
  claimcheck: {
    ask: async (key, id) => (await object(as(key, "GET", `/v1/inferences/${id}`)))["status"],
    says: {
      queued: "queued",
      in_progress: "in_progress",
      succeeded: "succeeded",
      failed: "failed",
      canceled: "canceled",
      expired: "expired",
    },
  },
  vody: {
    async ask(key, id) {
      const { status, response_code } = await object(as(key, "GET", `/inference/${id}/status`));
      return [status, response_code];
    },
    says: {
      queued: ["in_progress", "202"],
      in_progress: ["in_progress", "202"],
      succeeded: ["completed", "200"],
      failed: ["failed", "400"],
      canceled: ["failed", "499"],
      expired: ["failed", "504"],
    },
  },
  reka: {
    async ask(key, id) {
      const { status, request_id } = await object(as(key, "GET", `/v2/inference/requests/${id}/status`));
      const { error } = await object(as(key, "GET", `/v2/inference/requests/${id}`));
      expect(request_id).toBe(id);
      return [status, (error as { type: string } | null)?.type ?? null];
    },
    says: {
      queued: ["IN_QUEUE", null],
      in_progress: ["IN_PROGRESS", null],
      succeeded: ["COMPLETED", null],
      failed: ["FAILED", expect.any(String)],
      canceled: ["CANCELED", null],
      expired: ["FAILED", "expired"],
    },
  },
  baseten: {
    async ask(key, id) {
      const { status, errors } = await object(as(key, "GET", `/async_request/${id}`));
      return [status, (errors as unknown[]).length];
    },
    says: {
      queued: ["QUEUED", 0],
      in_progress: ["IN_PROGRESS", 0],
      succeeded: ["SUCCEEDED", 0],
      failed: ["FAILED", 1],
      canceled: ["CANCELED", 0],
      expired: ["EXPIRED", expect.any(Number)],
    },
  },
  fal: {
    async ask(key, id) {
      const { status, error_type } = await object(as(key, "GET", `/fal/queue/any/thing/requests/${id}/status`));
      return [status, error_type];
    },
    says: {
      queued: ["IN_QUEUE", undefined],
      in_progress: ["IN_PROGRESS", undefined],
      succeeded: ["COMPLETED", undefined],
      failed: ["COMPLETED", undefined],
      canceled: ["COMPLETED", "client_cancelled"],
      expired: ["COMPLETED", "request_timeout"],
    },
  },
  runpod: {
    async ask(key, id) {
      const { status, error } = await object(as(key, "GET", `/runpod/v2/any/status/${id}`));
      return [status, error];
    },
    says: {
      queued: ["IN_QUEUE", undefined],
      in_progress: ["IN_PROGRESS", undefined],
      succeeded: ["COMPLETED", undefined],
      failed: ["FAILED", expect.any(String)],
      canceled: ["CANCELLED", undefined],
      expired: ["TIMED_OUT", expect.any(String)],
    },
  },
};

/** How each dialect that gives out results gives out this one. */
const RESULTS: Readonly<Record<string, (key: string, id: string) => Promise<unknown>>> = {
  claimcheck: (key, id) => object(as(key, "GET", `/v1/inferences/${id}/result`)),
  vody: (key, id) => object(as(key, "GET", `/inference/${id}/results`)),
  reka: async (key, id) => (await object(as(key, "GET", `/v2/inference/requests/${id}`)))["output"],
  fal: (key, id) => object(as(key, "GET", `/fal/queue/any/thing/requests/${id}`)),
  runpod: async (key, id) => (await object(as(key, "GET", `/runpod/v2/any/status/${id}`)))["output"],
};

/** An inference of that status, submitted by that dialect; and what its submit is still waiting for. */
async function reached(submitter: string, status: Status): Promise<{ tenant: Tenant; id: string; over: Promise<unknown> }> {
  const tenant = await newTenant();
  const model = await newModel();
  const server = SERVERS[status];
  const protocol = submitter === "openai" ? "openai" : "http";
  const backend = await newBackend(model, { protocol, url: `https://${model}.test` });
  if (server) backendIs(server);
  else await env.DB.prepare("UPDATE backends SET rested_until = 9e15 WHERE id = ?").bind(backend).run();
  const over = Promise.resolve(SUBMITTERS[submitter]?.(tenant.key, model));
  const rowIs = (satisfied: (row: Record<string, unknown>) => boolean) =>
    until(
      async () => (await env.DB.prepare("SELECT id, status FROM inferences WHERE model = ?").bind(model).first()) ?? {},
      (row) => row["id"] !== undefined && satisfied(row),
    );
  const id = String((await rowIs(() => true))["id"]);
  if (status === "canceled") await as(tenant.key, "POST", `/v1/inferences/${id}/cancel`);
  if (status === "expired") await expire(id);
  expect(await rowIs((row) => row["status"] === status)).toMatchObject({ status });
  return { tenant, id, over };
}

test.each(Object.keys(SUBMITTERS))(
  "an account that may have nothing more in the database is told so with the figures by %s",
  async (submitter) => {
    const tenant = await newTenant();
    const model = await newModel();
    await newBackend(model, { protocol: submitter === "openai" ? "openai" : "http" });
    await operator("PATCH", `/accounts/${tenant.accountId}`, { database_quota_bytes: ROW_CHARGE_BYTES - 1 });
    const refused = await SUBMITTERS[submitter]?.(tenant.key, model);
    const told = `0 of at most ${ROW_CHARGE_BYTES - 1} bytes of the database; ${ROW_CHARGE_BYTES} more are too many`;
    expect([refused?.status, await refused?.text()]).toEqual([413, expect.stringContaining(told)]);
  },
);

test("a client's trace goes on to the backend with a span of ours, whatever wire the submit comes by", async () => {
  const tenant = await newTenant();
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  const client = `00-${traceId}-00f067aa0ba902b7-01`;
  const got: (string | null)[][] = [];
  backendIs(({ headers }) => {
    got.push([headers.get("traceparent"), headers.get("tracestate")]);
    return Response.json(ANSWER);
  });
  for (const [name, submit] of Object.entries(SUBMITTERS)) {
    const model = await newModel();
    await newBackend(model, { protocol: name === "openai" ? "openai" : "http", url: `https://${model}.test` });
    const submitted = await submit(tenant.key, model, { traceparent: client, tracestate: "vendor=1, other=2" });
    const call = /^00-(\w{32})-(\w{16})-01$/.exec(submitted.headers.get("traceresponse") ?? "");
    expect({ name, traceId: call?.[1] }).toEqual({ name, traceId });
    const calls = await until(
      () => Promise.resolve(got.splice(0)),
      ({ length }) => length > 0,
    );
    expect(calls).toEqual([[expect.stringMatching(new RegExp(`^00-${traceId}-\\w{16}-01$`)), "vendor=1,other=2"]]);
    expect([client, submitted.headers.get("traceresponse")]).not.toContain(calls[0]?.[0]);
    const { trace } = (await env.DB.prepare("SELECT trace FROM inferences WHERE model = ?").bind(model).first()) ?? {};
    expect(trace).toBe(`${call?.[0] ?? ""} vendor=1,other=2`);
  }
});

const STATUSES = Object.keys(SERVERS) as Status[]; // the keys of a table that has them all

describe.each(Object.keys(SUBMITTERS))("an inference submitted by %s", (submitter) => {
  test.each(STATUSES)("and %s is the same to all who may ask", async (status) => {
    answer = held();
    const { tenant, id, over } = await reached(submitter, status);
    const stranger = await newTenant();
    for (const [name, { ask, says }] of Object.entries(READERS)) {
      expect({ name, says: await ask(tenant.key, id) }).toEqual({ name, says: says[status] });
    }
    for (const path of [`/v1/inferences/${id}`, `/inference/${id}/status`, `/v2/inference/requests/${id}/status`, `/async_request/${id}`]) {
      expect({ path, status: (await as(stranger.key, "GET", path)).status }).toEqual({ path, status: 404 });
    }
    if (status === "succeeded") {
      for (const [name, result] of Object.entries(RESULTS))
        expect({ name, result: await result(tenant.key, id) }).toMatchObject({ name, result: { object: "chat.completion" } });
    }
    await as(tenant.key, "POST", `/v1/inferences/${id}/cancel`);
    answer.release(Response.json({}));
    await over;
  });
});

describe.each(["org/name", "name:tag", "hf.co/a/b:Q4"])("a model of a name such as %s", (form) => {
  const named = async (): Promise<string> => {
    const name = `${form}-${crypto.randomUUID()}`;
    expect((await operator("POST", "/models", { name })).status).toBe(201);
    await newBackend(name, { protocol: "http", url: "https://named.gpu.test" });
    backendIs(() => Response.json(ANSWER));
    return name;
  };

  test.each(Object.entries(SUBMITTERS))("is asked by %s", async (wire, submit) => {
    const { key } = await newTenant();
    const model = await named();
    const isInBody = ["claimcheck", "openai"].includes(wire);
    const submitted = await submit(key, isInBody ? model : encodeURIComponent(model));
    expect([200, 201, 202]).toContain(submitted.status);
    const { items } = await object(as(key, "GET", "/v2/inference/requests"));
    expect(items).toMatchObject([{ model_id: model }]);
  });

  test("is shown under /v1/models/ and /v2/models/, and keeps its queue", async () => {
    const { key } = await newTenant();
    const model = await named();
    const encoded = encodeURIComponent(model);
    for (const path of [model, encoded]) expect(await object(as(key, "GET", `/v1/models/${path}`))).toMatchObject({ id: model });
    expect((await as(key, "GET", `/v1/models/${encoded}/queue`)).status).toBe(200);
    expect((await as(key, "GET", `/v2/models/${encoded}`)).status).toBe(200);
    expect((await operator("GET", `/models/${encoded}`)).status).toBe(200);
  });

  test("is asked on Reka's wire plainly for what stands after the last slash, and found by it", async () => {
    const { key } = await newTenant();
    const model = await named();
    const endpoint = `${model}/text-to-image`;
    expect((await as(key, "POST", `/v2/inference/${endpoint}`, { input: { prompt: "a red kite" } })).status).toBe(202);
    const { items } = await object(as(key, "GET", `/v2/inference/requests?endpoint_id=${encodeURIComponent(endpoint)}`));
    expect(items).toMatchObject([{ endpoint_id: endpoint, model_id: model, capability: "text-to-image" }]);
  });
});

test.each(["/a", "a/", "a//b", "../a", "a/../b", ":a", "a b", "a%2Fb", "a".repeat(129)])("no model is registered as %s", async (name) => {
  expect((await operator("POST", "/models", { name })).status).toBe(422);
});
