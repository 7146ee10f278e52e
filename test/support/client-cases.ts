/**
 * What the TypeScript client does, as cases that run wherever it does: in Node, in browsers and in Workers. They need a deployment
 * with the models of `answerOf`, and nothing of a test runner.
 */
import { Webhook } from "standardwebhooks";
import {
  ApiError,
  Claimcheck,
  type ClientOptions,
  ConnectionFailed,
  type Inference,
  InferenceFailed,
  InvalidSignature,
  WaitTimeout,
  verify,
} from "../../client/typescript/client.ts";

type Fetch = NonNullable<ClientOptions["fetch"]>;

/** What a model's server answers, by the kind of model; a model of the kind "never" has no server. */
export const KINDS = ["colors", "picture", "refuses", "slow", "never"] as const;
export type Kind = (typeof KINDS)[number];

const SLOW_MS = 300;

export async function answerOf(kind: Exclude<Kind, "never">): Promise<Response> {
  switch (kind) {
    case "picture":
      return new Response("bytes", { headers: { "Content-Type": "image/png" } });
    case "refuses":
      return Response.json({ error: "too dark" }, { status: 400 });
    case "slow":
      await new Promise((resolve) => setTimeout(resolve, SLOW_MS));
      return Response.json({ colors: ["#000000"] });
    case "colors":
      return Response.json({ colors: ["#ffffff"] });
    default:
      return kind satisfies never;
  }
}

/** Where the cases run: a deployment, an account's key, and its models by kind. */
export interface World {
  readonly url: string;
  readonly key: string;
  readonly accountId: string;
  readonly models: Readonly<Record<Kind, string>>;
  /** In the place of the global one. */
  readonly fetch?: Fetch;
}

export interface Outcome {
  readonly name: string;
  /** Null if all is as it should be. */
  readonly fault: string | null;
}

/** All at once, each with what was wrong. */
export function runAll(world: World): Promise<Outcome[]> {
  return Promise.all(
    Object.entries(CASES).map(async ([name, run]) => {
      try {
        await run(world);
        return { name, fault: null };
      } catch (error) {
        return { name, fault: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
      }
    }),
  );
}

const MIB = 1024 * 1024;
/** Tells this run's inferences from those of another with the same key. */
const RUN = String(Math.random());
const SECRET = `whsec_${btoa("a secret of more than 24 bytes for this test")}`;

const clientOf = ({ url, key, fetch }: World, more: Partial<ClientOptions> = {}) =>
  new Claimcheck({ url: `${url}/`, key, ...(fetch ? { fetch } : {}), ...more });
const fetchOf = ({ fetch }: World): Fetch => fetch ?? ((url, init) => globalThis.fetch(url, init));

export const CASES: Readonly<Record<string, (world: World) => Promise<void>>> = {
  async "a run returns the output of what it submits"(world) {
    same(await clientOf(world).run(world.models.colors, { picture: "x" }, { metadata: { order: "1" } }), { colors: ["#ffffff"] });
  },

  async "a run returns an output that is not JSON as a blob"(world) {
    const output = await clientOf(world).run(world.models.picture, {});
    if (!(output instanceof Blob)) throw new Error(`not a blob: ${String(output)}`);
    same([output.type, await output.text()], ["image/png", "bytes"]);
  },

  async "a run throws the inference that failed"(world) {
    const error = await thrown(clientOf(world).run(world.models.refuses, {}), InferenceFailed);
    same([error.inference.status, error.inference.error?.class], ["failed", "input"]);
  },

  async "a run ends after its time, and leaves the inference as it is"(world) {
    const client = clientOf(world);
    const { inference } = await thrown(client.run(world.models.never, {}, { timeout: 0.5 }), WaitTimeout);
    same((await client.cancel(inference)).status, "canceled");
  },

  async "a run ends when its signal does"(world) {
    const controller = new AbortController();
    const fetch: Fetch = (url) => {
      controller.abort(new Error("the user left"));
      return Promise.reject(new Error(`no way to ${url}`));
    };
    const error = await thrown(clientOf(world, { fetch }).run("m", {}, { signal: controller.signal }), Error);
    same(error.message, "the user left");
  },

  async "a wait is told of each change by events, and does not ask again"(world) {
    const asked: string[] = [];
    const client = clientOf(world, { fetch: noting(asked, fetchOf(world)) });
    const inference = await client.submit(world.models.never, {});
    const updates: string[] = [];
    const onUpdate = ({ status }: Inference) => {
      if (updates.length === 0) void clientOf(world).cancel(inference);
      updates.push(status);
    };
    same((await client.wait(inference, { onUpdate })).status, "canceled");
    same([...new Set(updates)], ["queued", "canceled"]);
    same(asked, ["POST /v1/inferences", `GET /v1/inferences/${inference.id}/events`]);
  },

  async "a wait is answered at the end where no stream may be had"(world) {
    const asked: string[] = [];
    const client = clientOf(world, { fetch: noting(asked, withoutStreams(fetchOf(world))) });
    const { id } = await client.submit(world.models.slow, {});
    same((await client.wait(id)).status, "succeeded");
    same(asked.slice(1), [`GET /v1/inferences/${id}/events`, `GET /v1/inferences/${id} wait=60`]);
  },

  async "a wait asks again after poll_after where no answer may wait"(world) {
    const asked: string[] = [];
    const polls = () => asked.filter((line) => line.endsWith("wait=60")).length;
    const atOnce = withoutStreams(async (url, init) => {
      const headers = new Headers(init.headers);
      headers.delete("prefer");
      const answer = await fetchOf(world)(url, { ...init, headers });
      if (init.method !== "GET" || !answer.ok) return answer;
      const shown = (await answer.json()) as Inference; // as the route answers
      if (polls() === 3) await clientOf(world).cancel(shown);
      return Response.json({ ...shown, poll_after: 0.05 }); // the API's own is a second at least
    });
    const client = clientOf(world, { fetch: noting(asked, atOnce) });
    same((await client.wait(await client.submit(world.models.never, {}))).status, "canceled");
    same(polls(), 4);
  },

  async "a wait ends when its signal does, or after its time, while it watches"(world) {
    const client = clientOf(world);
    const [one, other] = [await client.submit(world.models.never, {}), await client.submit(world.models.never, {})];
    const controller = new AbortController();
    const onUpdate = () => controller.abort(new Error("the user left")); // so it watches by then
    const [left, late] = await Promise.all([
      thrown(client.wait(one.id, { signal: controller.signal, onUpdate }), Error),
      thrown(client.wait(other.id, { timeout: 0.2 }), WaitTimeout),
    ]);
    same([left.message, late.inference.status], ["the user left", "queued"]);
    await Promise.all([client.cancel(one), client.cancel(other)]);
  },

  async "a call is sent again after what may pass, and submits once"(world) {
    const keys: (string | null)[] = [];
    const flaky: Fetch = async (url, init) => {
      keys.push(new Headers(init.headers).get("idempotency-key"));
      if (keys.length === 1) throw new TypeError("connection reset");
      const answer = await fetchOf(world)(url, init);
      if (keys.length === 2) return new Response("down", { status: 503, headers: { "Retry-After": "0" } });
      return keys.length === 3 ? cutAfter(10, answer) : answer;
    };
    const { id } = await clientOf(world, { fetch: flaky }).submit(world.models.never, {}, { metadata: { run: RUN, case: "flaky" } });
    same([keys.length, new Set(keys).size], [4, 1]);
    const listed = await allOf(clientOf(world).list({ metadata: { run: RUN, case: "flaky" } }));
    same(
      listed.map((each) => each.id),
      [id],
    );
  },

  async "a call that is refused throws its code and the places that are wrong"(world) {
    const error = await thrown(clientOf(world).submit(world.models.never, {}, { priority: 9 }), ApiError);
    same([error.status, error.code, error.errors.map(({ pointer }) => pointer)], [422, "invalid_input", ["#/priority"]]);
    if (!error.requestId) throw new Error("it has no request id");
  },

  async "a call that gets no answer says so, and so does one whose answer takes too long"(world) {
    const refusing = clientOf(world, { fetch: () => Promise.reject(new TypeError("connection refused")), maxRetries: 0 });
    same((await thrown(refusing.get("x"), ConnectionFailed)).message, "GET /v1/inferences/x got no answer: connection refused");
    const silent: Fetch = (_url, { signal }) =>
      new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason as Error)));
    const late = await thrown(clientOf(world, { fetch: silent, maxRetries: 0, timeout: 0.05 }).get("x"), ConnectionFailed);
    same(late.message, "GET /v1/inferences/x got no answer: no answer within 0.05 s");
  },

  async "an answer that is not the deployment's is an error of its own"(world) {
    const portal: Fetch = async () => new Response("<title>Log in to the Wi-Fi</title>");
    const error = await thrown(clientOf(world, { fetch: portal }).me(), ApiError);
    same(error.detail, "The answer to /v1/me is not JSON: <title>Log in to the Wi-Fi</title>");
  },

  async "a list goes on over its pages, and filters by metadata"(world) {
    const client = clientOf(world);
    for (const order of ["1", "2", "1"]) await client.submit(world.models.never, {}, { metadata: { order, run: RUN } });
    const listed = await allOf(client.list({ limit: 1, metadata: { order: "1", run: RUN } }));
    same(
      listed.map(({ metadata }) => metadata["order"]),
      ["1", "1"],
    );
  },

  async "many are submitted in one request, each taken or refused by itself"(world) {
    const results = await clientOf(world).submitMany([
      { model: world.models.never, input: 1 },
      { model: "there-is-no-such-model", input: 2 },
    ]);
    same(
      results.map((result) => (result instanceof ApiError ? result.code : result.status)),
      ["queued", "model_not_found"],
    );
  },

  async "what filters pick is canceled, and redriven"(world) {
    const client = clientOf(world);
    const mine = { metadata: { run: `picked ${RUN}` } };
    await client.submitMany(Array.from({ length: 3 }, () => ({ model: world.models.never, input: {}, ...mine })));
    const counts = [await client.cancelMany({ ...mine, dry_run: true }), await client.cancelMany(mine), await client.cancelMany(mine)];
    same(
      counts.map(({ canceled }) => canceled),
      [3, 3, 0],
    );
    const refused = await client.submit(world.models.refuses, {}, { wait: 30, ...mine });
    const { redriven, refused: left } = await client.redriveMany({ ...mine, error_class: "input" });
    same([redriven, left], [1, {}]);
    same((await client.wait(refused.id)).attempts, 2);
    same((await thrown(client.redriveMany({}), ApiError)).code, "invalid_input");
  },

  async "what filters pick is changed call by call, to the last page"(world) {
    const bodies: unknown[] = [];
    const pages = [
      { looked_at: 2, redriven: 1, refused: [{ code: "model_not_found", count: 1 }], next: "a" },
      { looked_at: 2, redriven: 0, refused: [{ code: "model_not_found", count: 2 }], next: "b" },
      { looked_at: 1, redriven: 1, refused: [], next: null },
    ];
    const fetch: Fetch = async (_, init) => {
      bodies.push(await new Response(init.body ?? null).json());
      return Response.json(pages[bodies.length - 1]);
    };
    const done = await clientOf(world, { fetch }).redriveMany({ model: "m" });
    same(done, { looked_at: 5, redriven: 2, refused: { model_not_found: 3 } });
    same(bodies, [{ model: "m" }, { model: "m", after: "a" }, { model: "m", after: "b" }]);
  },

  async "a link to a result needs no key"(world) {
    const client = clientOf(world);
    const { id } = await client.submit(world.models.colors, {}, { wait: 30 });
    const { url } = await client.link(id, { expires_in_seconds: 60 });
    const answer = await fetchOf(world)(url, {});
    same(await answer.json(), { colors: ["#ffffff"] });
  },

  async "a link to a file needs no key"(world) {
    const client = clientOf(world);
    const file = await client.upload("a text", { contentType: "text/plain" });
    const { url } = await client.linkFile(file, { expires_in_seconds: 60 });
    same(await (await fetchOf(world)(url, {})).text(), "a text");
    const asked = await client.linkFile(file.id, { methods: ["HEAD"] });
    const answers = [await fetchOf(world)(asked.url, { method: "HEAD" }), await fetchOf(world)(asked.url, {})];
    same([asked.methods, ...answers.map(({ status }) => status)], [["HEAD"], 200, 403]);
  },

  async "each of many has a key of its own, or a random one where that is undefined"(world) {
    const keys: unknown[] = [];
    const listening: Fetch = async (url, init) => {
      const lines = (await new Response(init.body ?? null).json()) as { idempotency_key?: unknown }[]; // as the client sends them
      keys.push(...lines.map((line) => line.idempotency_key));
      return fetchOf(world)(url, init);
    };
    const own = `own-${RUN}`;
    const one = { model: world.models.never, input: 1 };
    const sent = [{ ...one, idempotency_key: own }, { ...one, idempotency_key: undefined }, one];
    await clientOf(world, { fetch: listening }).submitMany(sent);
    same([keys[0], new Set(keys.map((key) => typeof key)).size, new Set(keys).size], [own, 1, 3]);
  },

  async "events tell of an inference until its end"(world) {
    const client = clientOf(world);
    const inference = await client.submit(world.models.colors, {});
    const events = await allOf(client.events(inference));
    same([events[0]?.event, events[0]?.data["event"], events.at(-1)?.event], ["status", "queued", "final"]);
    same((events.at(-1)?.data["inference"] as Inference | undefined)?.status, "succeeded");
  },

  async "events that are cut go on after the last, and none comes twice"(world) {
    let streams = 0;
    const cutting: Fetch = async (url, init) => {
      const answer = await fetchOf(world)(url, init);
      return url.endsWith("/events") && ++streams <= 2 ? cutAfter(1_000 * streams, answer) : answer;
    };
    const client = clientOf(world, { fetch: cutting });
    const inference = await client.submit(world.models.slow, {});
    const told = (await allOf(client.events(inference))).filter(({ id }) => id !== null);
    same(
      told.map(({ data }) => data["event"]),
      ["queued", "claimed", "succeeded"],
    );
    if (streams < 2) throw new Error(`${streams} streams`);
  },

  async "a redrive queues again what has failed"(world) {
    const client = clientOf(world);
    const inference = await client.wait(await client.submit(world.models.refuses, {}));
    same((await client.redrive(inference)).id, inference.id);
    same((await client.wait(inference.id)).status, "failed");
  },

  async "an inference that has ended is deleted"(world) {
    const client = clientOf(world);
    const { id } = await client.wait(await client.submit(world.models.colors, {}));
    await client.delete(id);
    same((await thrown(client.get(id), ApiError)).status, 404);
  },

  async "a client learns whose key it has, and what was used"(world) {
    const client = clientOf(world);
    same((await client.me()).account.id, world.accountId);
    await client.run(world.models.colors, {});
    if ((await client.usage({ by: "model" })).data.length === 0) throw new Error("nothing was used");
  },

  async "an upload is a file that inputs can name"(world) {
    const progress: number[][] = [];
    const options = { name: "a.png", contentType: "image/png", onProgress: (...at: number[]) => progress.push(at) };
    const file = await clientOf(world).upload("a picture", options);
    same([file.name, file.content_type, file.bytes, progress], ["a.png", "image/png", 9, [[9, 9]]]);
    same(file.sha256, "92b2fa58028958317e408bd84ecfa70f5ee35b121991dbc232c49d166353708b");
  },

  async "an upload that was cut sends only the parts that are missing"(world) {
    const blob = new Blob([new Uint8Array(9 * MIB).fill(7)]);
    let started = "";
    let parts = 0;
    const cut: Fetch = (url, init) => {
      if (init.method === "PUT" && ++parts === 2) return Promise.reject(new TypeError("connection reset"));
      return fetchOf(world)(url, init);
    };
    await thrown(clientOf(world, { fetch: cut, maxRetries: 0 }).upload(blob, { onStart: (id) => (started = id) }), ConnectionFailed);
    const sent: string[] = [];
    const client = clientOf(world, { fetch: noting(sent, fetchOf(world)) });
    const file = await client.upload(blob, { resume: started });
    const puts = sent.filter((line) => line.startsWith("PUT"));
    same([file.bytes, puts], [blob.size, [`PUT /v1/uploads/${started}/parts/2`]]);
    // What was complete already is the same file, and an upload that is gone begins again.
    same((await client.upload(blob, { resume: started })).id, file.id);
    const other = await thrown(client.upload("short", { resume: started }), Error);
    if (!other.message.includes("has 5")) throw other;
    if ((await client.upload("short", { resume: "gone" })).bytes !== 5) throw new Error("it did not begin again");
  },

  async "a webhook that the deployment signed is its event, by Headers and by plain ones"() {
    const { body, headers } = signedAt(new Date());
    same((await verify(SECRET, body, new Headers(headers))).type, "inference.succeeded");
    same((await verify(SECRET, new TextEncoder().encode(body), headers)).type, "inference.succeeded");
  },

  async "a webhook that is old, changed or not signed is refused"() {
    const { body, headers } = signedAt(new Date());
    const old = signedAt(new Date(Date.now() - 600_000));
    await thrown(verify(SECRET, old.body, old.headers), InvalidSignature);
    await thrown(verify(SECRET, body.replace("succeeded", "failed"), headers), InvalidSignature);
    await thrown(verify(SECRET, body, {}), InvalidSignature);
    await thrown(verify(SECRET, body, { ...headers, "webhook-signature": "v1,!" }), InvalidSignature);
  },

  async "a client that is written into a log has no key in it"(world) {
    same(JSON.stringify(clientOf(world)), "{}");
  },
};

function signedAt(at: Date): { body: string; headers: Record<string, string> } {
  const body = JSON.stringify({ type: "inference.succeeded", timestamp: at.toISOString(), data: {} });
  const headers = {
    "webhook-id": "msg_1",
    "webhook-timestamp": String(Math.floor(at.getTime() / 1000)),
    "webhook-signature": new Webhook(SECRET).sign("msg_1", at, body),
  };
  return { body, headers };
}

/** Notes each request in the list: its method, its path and what it prefers. */
function noting(asked: string[], fetch: Fetch): Fetch {
  return (url, init) => {
    const prefer = new Headers(init.headers).get("prefer");
    asked.push(`${init.method} ${new URL(url).pathname}${prefer === null ? "" : ` ${prefer}`}`);
    return fetch(url, init);
  };
}

/** A deployment, or a proxy before it, that has no streams. */
function withoutStreams(fetch: Fetch): Fetch {
  return (url, init) => (url.endsWith("/events") ? Promise.resolve(new Response("no", { status: 404 })) : fetch(url, init));
}

/** An answer whose connection breaks after so many bytes. */
function cutAfter(bytes: number, answer: Response): Response {
  let left = bytes;
  const cutting = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      controller.enqueue(chunk.slice(0, left));
      left -= chunk.length;
      if (left <= 0) controller.error(new TypeError("connection reset"));
    },
  });
  return new Response(answer.body?.pipeThrough(cutting), answer);
}

export async function allOf<T>(some: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of some) all.push(each);
  return all;
}

function same(actual: unknown, expected: unknown): void {
  const [seen, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (seen !== wanted) throw new Error(`${seen} is not ${wanted}`);
}

/** What a promise throws, which must be of that class. */
async function thrown<T extends Error>(promise: Promise<unknown>, kind: abstract new (...args: never[]) => T): Promise<T> {
  const [value, error]: readonly unknown[] = await promise.then(
    (resolved) => [resolved, null],
    (reason: unknown) => [null, reason],
  );
  if (error instanceof kind) return error;
  if (error instanceof Error) throw error;
  throw new Error(`nothing was thrown, but there is ${JSON.stringify(value ?? error)}`);
}
