/**
 * watching: how long after the end of an inference, by its `finished_at`, its client knows of it: by `Prefer: wait` and by events; of 60
 * jobs at once with a key that has the default limits; and for 1,000 who watch one, beside as many of others. Then what comes to a client whose
 * connection is cut again and again, and to one for whom the whole runtime is killed.
 */
import { connect } from "node:net";
import { type Deployment, deploy, newFolder } from "../test/support/deployment.ts";
import { type Gpu, slow, startGpu } from "../test/support/gpu.ts";
import { bigKey, model } from "./client.ts";
import { type Samples, median, quantile, ratios, spread } from "./figures.ts";
import { type Watched, watchedNode, watchedWorker } from "./watched.ts";

const JOB_MS = 8;
const ROUNDS = 200;
const AT_ONCE = 60;
const WATCHERS = 1_000;
const MANY_ROUNDS = 5;
const CUT_JOBS = 100;
const CUTS = 50;
const EIGHT = "watched";
const ONE = "watched-by-many";

interface Event {
  readonly name: string;
  readonly id: string | null;
  readonly data: Record<string, unknown>;
}

/** Reads a stream of events until `take` returns true or it ends; its connection is closed then. */
async function read(url: string, key: string, last: string | null, take: (event: Event) => boolean): Promise<void> {
  const headers = { Authorization: `Bearer ${key}`, ...(last === null ? {} : { "Last-Event-ID": last }) };
  const response = await fetch(url, { headers });
  if (response.status === 204) return;
  if (!response.ok || !response.body) throw new Error(`events answered ${response.status}: ${await response.text()}`);
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of response.body) {
    text += decoder.decode(bytes, { stream: true });
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const lines = text.slice(0, end).split("\n");
      text = text.slice(end + 2);
      const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? null;
      const data = field("data");
      if (data === null) continue;
      if (take({ name: field("event") ?? "", id: field("id"), data: JSON.parse(data) as Record<string, unknown> })) return;
    }
  }
}

const since = (inference: unknown) => Date.now() - Date.parse(String((inference as Record<string, unknown>)["finished_at"]));

function print(name: string, samples: readonly number[], more = ""): void {
  const figures = [0.5, 0.95, 1].map((share) => `${share === 1 ? "most" : `p${share * 100}`} ${quantile(samples, share).toFixed(0)} ms`);
  console.log(`  ${name.padEnd(52)} ${figures.join("   ")}${more}`);
}

async function submitted(deployment: Deployment, key: string, name: string, headers: Record<string, string> = {}) {
  const answer = await deployment.api(
    "POST",
    "/v1/inferences",
    { model: name, input: { x: [1] } },
    { Authorization: `Bearer ${key}`, ...headers },
  );
  return { status: answer.status, body: answer.body as Record<string, unknown>, seenAfter: since(answer.body) };
}

export async function watching(): Promise<Samples> {
  const folder = newFolder();
  let deployment = await deploy({ folder });
  const gpu: Gpu = await startGpu();
  gpu.does(() => slow(JOB_MS));
  const key = await bigKey(deployment);
  await model(deployment, gpu, EIGHT, 10);
  console.log(`watching, jobs of ${JOB_MS} ms; from their end until their client knows`);
  const byWait: number[] = [];
  const byEvents: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    byWait.push((await submitted(deployment, key, EIGHT, { Prefer: "wait=30" })).seenAfter);
    const { body } = await submitted(deployment, key, EIGHT);
    await read(`${deployment.url}/v1/inferences/${String(body["id"])}/events`, key, null, ({ name, data }) => {
      if (name === "final") byEvents.push(since(data["inference"]));
      return name === "final";
    });
  }
  print("one after the other, Prefer: wait", byWait);
  print("one after the other, events from after the submit", byEvents);
  const waits = await Promise.all(
    Array.from({ length: AT_ONCE }, () => submitted(deployment, deployment.key, EIGHT, { Prefer: "wait=30" })),
  );
  const refused = waits.filter(({ status }) => status !== 200).length;
  const byWaits = waits.map(({ seenAfter }) => seenAfter);
  print(`${AT_ONCE} at once, a key of default limits, Prefer: wait`, byWaits, `   refused ${refused}`);
  const byStream: number[] = [];
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const stream = read(`${deployment.url}/v1/events`, deployment.key, "0.00000000-0000-0000-0000-000000000000.1", ({ name, data }) => {
    if (name === "reset") begin(); // said at once of an event that nobody knows
    if (name === "final") byStream.push(since(data["inference"]));
    return byStream.length === AT_ONCE;
  });
  await begun;
  await Promise.all(Array.from({ length: AT_ONCE }, () => submitted(deployment, deployment.key, EIGHT)));
  await stream;
  print(`${AT_ONCE} at once, a key of default limits, one stream`, byStream);
  const byMany = await many(deployment, key, gpu);
  await cut(deployment, key);
  deployment = await killed(deployment, folder, gpu);
  await deployment.interrupt();
  return { byWait, byEvents, byWaits, byStream, ...byMany };
}

/**
 * One of many, on a bare socket: a thousand readers by `fetch` keep a processor busy for longer than a Node server needs to write to them. Says when it
 * has had the first event, resolves to when it has had the last, in ms.
 */
function seenBySocket(url: string, key: string, hasBegun: () => void): Promise<number> {
  const { hostname, port, host, pathname } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let text = "";
    let begin = hasBegun;
    socket.setEncoding("latin1").on("data", (piece: string) => {
      text += piece;
      if (!text.startsWith("HTTP/1.1 200 ")) socket.destroy();
      if (!text.includes("\n\n", text.indexOf("event: "))) return;
      begin();
      begin = () => undefined;
      const last = text.indexOf("event: final");
      if (last < 0 || !text.includes("\n\n", last)) return;
      resolve(Date.now());
      socket.destroy();
    });
    socket.on("error", reject).on("close", () => reject(new Error(`a stream ended without its last event: ${text}`)));
    socket.write(`GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${key}\r\n\r\n`);
  });
}

/** How long after the end of what WATCHERS watch at `url` each has seen it; `end` ends it, and says when that was. */
async function seenByMany(url: string, key: string, end: () => Promise<number>): Promise<number[]> {
  const waiting = Promise.withResolvers<void>();
  let watchers = 0;
  const hasBegun = () => {
    if (++watchers === WATCHERS) waiting.resolve();
  };
  const streams = Array.from({ length: WATCHERS }, () => seenBySocket(url, key, hasBegun));
  await Promise.race([waiting.promise, Promise.all(streams)]);
  const endedAt = await end();
  return (await Promise.all(streams)).map((at) => at - endedAt);
}

/** One inference that many watch, and in turns with it what the runtime allows and what else a team would run. */
async function many(
  deployment: Deployment,
  key: string,
  gpu: Gpu,
): Promise<{ byMany: number[]; byManyWorker: number[]; byManyNode: number[] }> {
  await model(deployment, gpu, ONE, 1, "paused");
  const ours = async () => {
    const { body } = await submitted(deployment, key, ONE);
    const path = `/v1/inferences/${String(body["id"])}`;
    return seenByMany(`${deployment.url}${path}/events`, key, async () => {
      const { body: canceled } = await deployment.api("POST", `${path}/cancel`, undefined, { Authorization: `Bearer ${key}` });
      return Date.parse(String((canceled as Record<string, unknown>)["finished_at"]));
    });
  };
  const [worker, node] = [await watchedWorker(), await watchedNode()];
  const others = ({ url }: Watched) =>
    seenByMany(url, key, async () => ((await (await fetch(url, { method: "POST" })).json()) as { at: number }).at); // they send that
  const samples = { byMany: [] as number[], byManyWorker: [] as number[], byManyNode: [] as number[] };
  const medians = { byMany: [] as number[], byManyWorker: [] as number[], byManyNode: [] as number[] };
  const contestants = [
    ["byMany", ours],
    ["byManyWorker", () => others(worker)],
    ["byManyNode", () => others(node)],
  ] as const;
  for (let round = 0; round < MANY_ROUNDS; round++) {
    for (const [name, contestant] of round % 2 === 0 ? contestants : contestants.toReversed()) {
      const seen = await contestant();
      samples[name].push(...seen);
      medians[name].push(median(seen));
    }
  }
  await Promise.all([worker.stop(), node.stop()]);
  const beside = (other: readonly number[]) => `   ours ${spread(ratios(medians.byMany, other), 2)} times`;
  print(`one that ${WATCHERS} watch, each`, samples.byMany);
  print("the same of a Worker of a few lines", samples.byManyWorker, beside(medians.byManyWorker));
  print("the same of a Node server", samples.byManyNode, beside(medians.byManyNode));
  return samples;
}

/** The stream of an account, cut again and again at random: says what came more than once or not at all. */
async function cut(deployment: Deployment, key: string): Promise<void> {
  const seen = new Map<string, number>();
  let last: string | null = "0.00000000-0000-0000-0000-000000000000.1";
  let cuts = 0;
  const ids: string[] = [];
  const done = () => ids.length === CUT_JOBS && [...seen.keys()].filter((it) => it.endsWith("succeeded")).length === CUT_JOBS;
  const reading = (async () => {
    while (!done()) {
      let left = cuts < CUTS ? 1 + Math.floor(Math.random() * 8) : Infinity;
      await read(`${deployment.url}/v1/events`, key, last, ({ id, data }) => {
        if (id === null) return false;
        last = id;
        const name = `${String(data["inference_id"])} ${String(data["event"])}`;
        seen.set(name, (seen.get(name) ?? 0) + 1);
        return --left <= 0 || done();
      });
      cuts++;
    }
  })();
  await new Promise((resolve) => setTimeout(resolve, 500));
  for (let job = 0; job < CUT_JOBS; job++) ids.push(String((await submitted(deployment, key, EIGHT)).body["id"]));
  await reading;
  const expected = ids.flatMap((id) => ["queued", "claimed", "succeeded"].map((event) => `${id} ${event}`));
  const lost = expected.filter((name) => !seen.has(name)).length;
  const doubled = [...seen.values()].filter((count) => count > 1).length;
  console.log(`  ${expected.length} events over ${cuts} connections: ${lost} lost, ${doubled} twice`);
}

/** One watches while the runtime is killed, and goes on with the next. */
async function killed(deployment: Deployment, folder: string, gpu: Gpu): Promise<Deployment> {
  gpu.does(() => slow(3_000));
  const { body } = await submitted(deployment, deployment.key, EIGHT);
  const path = `/v1/inferences/${String(body["id"])}/events`;
  const seen: string[] = [];
  let last: string | null = null;
  const take = ({ id, name, data }: Event) => {
    if (id === null) return false;
    last = id;
    seen.push(String(data["event"]));
    return name === "final";
  };
  const reading = read(deployment.url + path, deployment.key, null, take).catch(() => undefined); // it is killed
  while (!seen.includes("claimed")) await new Promise((resolve) => setTimeout(resolve, 20));
  await deployment.kill9();
  await reading;
  const next = await deploy({ folder, port: deployment.port });
  await read(next.url + path, next.key, last, take);
  console.log(`  events of one whose runtime was killed: ${seen.join(", ")}`);
  return next;
}
