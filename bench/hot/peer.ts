/**
 * The peer: Fastify, BullMQ and Redis, started from the package bench/peer, which is installed here and nowhere else. Redis writes each
 * change to its log, and syncs the log once a second, or before each answer.
 */
import { type ChildProcess, fork, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { freePort } from "../../src/local/runtime.ts";
import { ROOT, newFolder, until } from "../../test/support/deployment.ts";
import {
  ACCOUNTS,
  type Contestant,
  FINISHED,
  KEYS,
  KEY_LIMIT,
  LARGE,
  LIMITED_KEY_LIMIT,
  LIVE,
  LONG,
  MIB,
  PAUSED,
  SLOTS,
  WAITING,
  call,
  nth,
  numbers,
  pool,
} from "./contestant.ts";
import { type LoadRequest, hasProgram } from "./load.ts";

const AT_ONCE = 8;
const FOLDER = join("bench", "peer");

export type Fsync = "everysec" | "always";

/** Why the peer's package can't be used; null if it can. */
export function whyNotInstalled(): string | null {
  const { status } = spawnSync(process.execPath, [join("src", "local", "install.mjs"), FOLDER], { cwd: ROOT, stdio: "inherit" });
  return status === 0 ? null : `the packages of ${FOLDER} could not be installed`;
}

/** Why there can be no peer here; null if there can. */
export function whyNoPeer(): string | null {
  return hasProgram("redis-server") ? whyNotInstalled() : "redis-server is not installed (Debian: apt-get install redis-server)";
}

/** What api.ts sends. */
interface Ready {
  readonly url: string;
  readonly keys: readonly string[];
  readonly limited: string;
  readonly forged: readonly string[];
}

const get = (path: string, key: string): LoadRequest => ({ method: "GET", path, headers: { Authorization: `Bearer ${key}` } });

const submission = (model: string, key: string): LoadRequest => ({
  method: "POST",
  path: "/v1/jobs",
  headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
  body: JSON.stringify({ model, input: { x: [0] } }),
});

async function startRedis(port: number, fsync: Fsync): Promise<ChildProcess> {
  const options = ["--appendonly", "yes", "--appendfsync", fsync, "--save", "", "--dir", newFolder()];
  const redis = spawn("redis-server", ["--port", String(port), "--bind", "127.0.0.1", ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  process.once("exit", () => redis.kill());
  let output = "";
  redis.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  const isReady = await until(async () => output.includes("Ready to accept connections"), Boolean, 20, 20);
  if (!isReady) throw new Error(`Redis does not start:\n${output}`);
  return redis;
}

/** One of the peer's programs, and what it sends when it is ready. It ends when the benchmark does. */
async function startProgram(file: string, settings: unknown): Promise<{ child: ChildProcess; ready: unknown }> {
  const child = fork(join(ROOT, FOLDER, file), [JSON.stringify(settings)], { env: { ...process.env, NODE_ENV: "production" } });
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`${file} ended with ${String(code)}`);
  });
  const [ready] = (await Promise.race([once(child, "message"), ended])) as [unknown];
  ended.catch(() => undefined); // at the end of the benchmark
  return { child, ready };
}

/** `gpu` answers at once. */
export async function startPeer(gpu: string, fsync: Fsync): Promise<Contestant> {
  const redisPort = await freePort("127.0.0.1");
  const redis = await startRedis(redisPort, fsync);
  const amounts = { accounts: ACCOUNTS, keys: KEYS, keyLimit: KEY_LIMIT, limitedKeyLimit: LIMITED_KEY_LIMIT };
  const api = await startProgram("api.ts", { redisPort, ...amounts });
  const queues = [
    { name: LIVE, url: `${gpu}/v2/models/m/infer`, concurrency: SLOTS },
    { name: MIB, url: `${gpu}/mib`, concurrency: AT_ONCE },
  ];
  const worker = await startProgram("worker.ts", { redisPort, queues });
  const { url, keys, limited, forged } = api.ready as Ready; // api.ts sends it
  const submit = (model: string, count: number) =>
    pool(numbers(count), AT_ONCE, async (index) => {
      const key = nth(keys, index);
      const { id } = JSON.parse(await call(url, submission(model, key), 202)) as { id: string }; // of an answer of 202
      return { id, key, request: get(`/v1/jobs/${id}`, key) };
    });
  const openIn = async (name: string) => {
    const { open } = JSON.parse(await call(url, get(`/queues/${name}`, nth(keys, 0)), 200)) as { open: number }; // of api.ts
    return open;
  };
  const finished = await submit(LIVE, FINISHED);
  const large = await submit(MIB, LARGE);
  const waiting = await submit(LONG, WAITING);
  for (const name of [LIVE, MIB]) {
    const left = await until(
      () => openIn(name),
      (open) => open === 0,
      60,
    );
    if (left > 0) throw new Error(`${left} jobs of the peer are not done`);
  }
  const processes = [redis, api.child, worker.child];
  return {
    name: fsync === "always" ? "peer, fsync always" : "peer",
    url,
    pids: processes.flatMap(({ pid }) => pid ?? []),
    rows: {
      nothing: { requests: [get("/nothing", nth(keys, 0))], answers: "success" },
      status: { requests: finished.map(({ request }) => request), answers: "success" },
      waiting: { requests: waiting.map(({ request }) => request), answers: "success" },
      limited: { requests: finished.map(({ id }) => get(`/v1/jobs/${id}`, limited)), answers: "refusal" },
      forged: { requests: finished.map(({ id }, index) => get(`/v1/jobs/${id}`, nth(forged, index))), answers: "refusal" },
      paused: { requests: keys.map((key) => submission(PAUSED, key)), answers: "success" },
      live: { requests: keys.map((key) => submission(LIVE, key)), answers: "success", fills: true },
      result: { requests: large.map(({ id, key }) => get(`/v1/jobs/${id}/result`, key)), answers: "success" },
    },
    open: () => openIn(LIVE),
    async stop() {
      for (const child of processes.toReversed()) child.kill();
    },
  };
}
