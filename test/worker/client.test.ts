/** The TypeScript client against the Worker itself. */
import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import {
  ApiError,
  Claimcheck,
  ConnectionFailed,
  InferenceFailed,
  InvalidSignature,
  WaitTimeout,
  verify,
} from "../../client/typescript/client.ts";
import { restBackends, newModel, newTenant, servedBy } from "./support/tenants.ts";
import { ORIGIN, call } from "./support/requests.ts";

/** The Worker as the client's `fetch`. */
const worker = (url: string, init: RequestInit) => call(url.slice(ORIGIN.length), init);

async function newClient(fetch: typeof worker = worker, more: { maxRetries?: number } = {}): Promise<Claimcheck> {
  const { key } = await newTenant();
  return new Claimcheck({ url: `${ORIGIN}/`, key, fetch, ...more });
}

async function allOf<T>(some: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of some) all.push(each);
  return all;
}

const colors = () => servedBy(() => Response.json({ colors: ["#ffffff"] }));

describe("a run", () => {
  test("returns the output of what it submits", async () => {
    expect(await (await newClient()).run(await colors(), { picture: "x" }, { metadata: { order: "1" } })).toEqual({ colors: ["#ffffff"] });
  });

  test("returns an output that is no JSON as a blob", async () => {
    const model = await servedBy(() => new Response("bytes", { headers: { "Content-Type": "image/png" } }));
    const output = await (await newClient()).run(model, {});
    if (!(output instanceof Blob)) throw new Error("no blob");
    expect([output.type, await output.text()]).toEqual(["image/png", "bytes"]);
  });

  test("throws the inference that failed", async () => {
    const model = await servedBy(() => Response.json({ error: "too dark" }, { status: 400 }));
    const run = (await newClient()).run(model, {});
    await expect(run).rejects.toThrow(InferenceFailed);
    await expect(run).rejects.toMatchObject({ inference: { status: "failed", error: { class: "input" } } });
  });

  test("ends after its time, and leaves the inference as it is", async () => {
    const client = await newClient();
    const failed = await client.run(await newModel(), {}, { timeout: 1 }).catch((error: unknown) => error);
    if (!(failed instanceof WaitTimeout)) throw new Error(`not a timeout: ${String(failed)}`);
    expect(await client.cancel(failed.inference)).toMatchObject({ status: "canceled" });
  });

  test("ends when its signal does", async () => {
    const controller = new AbortController();
    const client = await newClient((url, init) => {
      controller.abort(new Error("the user left"));
      return Promise.reject(new Error(`${url} ${init.method}`));
    });
    await expect(client.run("m", {}, { signal: controller.signal })).rejects.toThrow("the user left");
  });
});

describe("a call", () => {
  test("is sent again after what may pass, and submits once", async () => {
    const sent: string[] = [];
    const flaky = async (url: string, init: RequestInit) => {
      sent.push(new Headers(init.headers).get("idempotency-key") ?? "");
      if (sent.length === 1) throw new TypeError("connection reset");
      const answer = await worker(url, init);
      return sent.length === 2 ? new Response("down", { status: 503, headers: { "Retry-After": "0" } }) : answer;
    };
    const client = await newClient(flaky);
    const { id } = await client.submit(await newModel(), {});
    expect(new Set(sent).size).toBe(1);
    expect((await allOf(client.list())).map((each) => each.id)).toEqual([id]);
  });

  test("that is refused throws its code and the places that are wrong", async () => {
    const refused = (await newClient()).submit(await newModel(), {}, { priority: 9 });
    await expect(refused).rejects.toThrow(ApiError);
    await expect(refused).rejects.toMatchObject({ status: 422, code: "invalid_input", errors: [{ pointer: "#/priority" }] });
  });

  test("that gets no answer says so", async () => {
    const client = await newClient(() => Promise.reject(new TypeError("connection refused")), { maxRetries: 0 });
    await expect(client.get("x")).rejects.toThrow(ConnectionFailed);
  });
});

test("a list goes on over its pages, and filters by metadata", async () => {
  const client = await newClient();
  const model = await newModel();
  for (const order of ["1", "2", "1"]) await client.submit(model, {}, { metadata: { order } });
  const listed = await allOf(client.list({ limit: 1, metadata: { order: "1" } }));
  expect(listed.map(({ metadata }) => metadata["order"])).toEqual(["1", "1"]);
});

test("events tell of an inference until its end", async () => {
  const client = await newClient();
  const inference = await client.submit(await colors(), {});
  const events = await allOf(client.events(inference));
  expect(events.at(-1)).toMatchObject({ event: "final", data: { inference: { id: inference.id, status: "succeeded" } } });
  expect(events[0]).toMatchObject({ event: "status", data: { event: "queued" } });
});

test("a redrive queues again what has failed", async () => {
  const client = await newClient();
  const model = await servedBy(() => Response.json({ error: "too dark" }, { status: 400 }));
  const inference = await client.wait(await client.submit(model, {}));
  await restBackends(model);
  expect(await client.redrive(inference)).toMatchObject({ id: inference.id, status: "queued" });
});

test("a client learns whose key it has, and what was used", async () => {
  const { key, accountId } = await newTenant();
  const client = new Claimcheck({ url: ORIGIN, key, fetch: worker });
  expect(await client.me()).toMatchObject({ account: { id: accountId } });
  await client.run(await colors(), {});
  expect((await client.usage({ by: "model" })).data).toHaveLength(1);
});

describe("an upload", () => {
  test("is a file that inputs can name", async () => {
    const progress: number[][] = [];
    const client = await newClient();
    const file = await client.upload("a picture", { name: "a.png", contentType: "image/png", onProgress: (...at) => progress.push(at) });
    expect(file).toMatchObject({ name: "a.png", content_type: "image/png", bytes: 9 });
    expect(progress).toEqual([[9, 9]]);
  });

  test("that was cut sends only the parts that are missing", async () => {
    const blob = new Blob([new Uint8Array(9 * 1024 * 1024).fill(7)]);
    let started = "";
    let parts = 0;
    const cut = (url: string, init: RequestInit) => {
      if (init.method === "PUT" && ++parts === 2) return Promise.reject(new TypeError("connection reset"));
      return worker(url, init);
    };
    const { key } = await newTenant();
    const first = new Claimcheck({ url: ORIGIN, key, fetch: cut, maxRetries: 0 }).upload(blob, { onStart: (id) => (started = id) });
    await expect(first).rejects.toThrow(ConnectionFailed);
    const sent: string[] = [];
    const again = (url: string, init: RequestInit) => {
      if (init.method === "PUT") sent.push(url.split("/").at(-1) ?? "");
      return worker(url, init);
    };
    const file = await new Claimcheck({ url: ORIGIN, key, fetch: again }).upload(blob, { resume: started });
    expect([file.bytes, sent]).toEqual([blob.size, ["2"]]);
  });
});

describe("a webhook", () => {
  const secret = `whsec_${btoa("a secret of more than 24 bytes for this test")}`;
  const body = JSON.stringify({ type: "inference.succeeded", timestamp: new Date().toISOString(), data: {} });
  const headersAt = (at: Date) => ({
    "webhook-id": "msg_1",
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": new Webhook(secret).sign("msg_1", at, body),
  });

  test("that the deployment signed is its event, by Headers and by plain ones", async () => {
    const headers = headersAt(new Date());
    expect(await verify(secret, body, new Headers(headers))).toMatchObject({ type: "inference.succeeded" });
    expect(await verify(secret, new TextEncoder().encode(body), headers)).toMatchObject({ type: "inference.succeeded" });
  });

  test.each([
    ["is old", headersAt(new Date(Date.now() - 600_000)), body],
    ["was changed", headersAt(new Date()), body.replace("succeeded", "failed")],
    ["has no signature", {}, body],
    ["has a signature that is none", { ...headersAt(new Date()), "webhook-signature": "v1,!" }, body],
  ])("that %s is refused", async (_fault, headers, text) => {
    await expect(verify(secret, text, headers)).rejects.toThrow(InvalidSignature);
  });
});

test("a client that is written into a log has no key in it", () => {
  expect(JSON.stringify(new Claimcheck({ url: ORIGIN, key: "ck_x" }))).toBe("{}");
});
