/**
 * The embedded runtime: the Worker in workerd with D1, R2, Queues and Durable Objects on disk, from the same
 * `wrangler.toml` that is deployed. Clients reach workerd's own socket, not a proxy in front of it. Two things differ
 * from production, both because the simulators do: a queue delivers one batch at a time, so a batch must not be held
 * until its runners end; and nobody fires cron triggers, so a timer here does.
 */
import "./quiet.ts";
import { type ChildProcess, spawn } from "node:child_process";
import { randomInt, randomUUID } from "node:crypto";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { readFileSync, readdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { getCACertificates, rootCertificates } from "node:tls";
import * as esbuild from "esbuild";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";
import { unstable_getMiniflareWorkerOptions, unstable_splitSqlQuery } from "wrangler";
import { LogFile } from "./log-file.ts";
import { makePublic } from "./public.mjs";
import { settingsFor } from "./settings.ts";
import type { Secrets } from "./state.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const CONFIG = join(ROOT, "wrangler.toml");
const CRON_MS = 60_000;
/**
 * The default entry under a name of its own. A Worker that has files beside it is reached through two Workers of the simulator's, for which it
 * would be asked first all the same (`run_worker_first`), and which cost more than a short answer does; an entry with a name is reached as it is.
 */
const DIRECT = "direct";
const NAME = "claimcheck";
/**
 * The default entry, which no client reaches, takes requests of this process too; by this header it knows them. The simulator's own way to a
 * binding makes this process stand still until workerd answers, while workerd may wait for it to read the log lines of a Worker that has
 * much to do: so hundreds of inferences that expired while it was stopped kept it from starting.
 */
const TOKEN_HEADER = "x-local-token";
/**
 * Room for new objects in each isolate, in MiB; V8 would let it grow to 32, and twice that while it collects. What a request leaves behind is
 * collected sooner, so the pauses are shorter too (docs/performance.md).
 */
const V8_FLAGS = "--max-semi-space-size=4";
/**
 * Whatever this machine reaches. The same binding that a deployment may have to a private network; here it also spares each
 * call the detour through a Worker of the simulator's, which costs half a millisecond. Trusts whom that would: what NODE_EXTRA_CA_CERTS
 * names too.
 */
export const GPU_NETWORK = {
  network: {
    allow: ["public", "private"],
    tlsOptions: {
      trustBrowserCas: true,
      trustedCertificates: [...(process.platform === "win32" ? rootCertificates : []), ...getCACertificates("extra")],
    },
  },
};

export interface RuntimeOptions {
  readonly host: string;
  readonly port: number;
  /** Where everything is kept. */
  readonly folder: string;
  readonly secrets: Secrets;
  /** Whether calls of model servers say where to tell of progress, as they do in a deployment that has a PUBLIC_URL. */
  readonly takesProgress?: boolean;
  /** Another entry than wrangler.toml names: the benchmark counts the Worker's calls. */
  readonly main?: string;
}

export interface Runtime {
  readonly url: string;
  /** Where the Worker's log lines go. */
  readonly logFile: string;
  stop(): Promise<void>;
}

export class PortTaken extends Error {}

export class AddressUnusable extends Error {}

/** Below the ports that systems give to outgoing connections, which may be taken at any moment, also between two starts. */
const PORTS = [10_240, 32_767] as const;
const PORT_TRIES = 50;

/** A port that nothing listens on right now. */
export async function freePort(host: string): Promise<number> {
  for (let tries = 0; tries < PORT_TRIES; tries++) {
    try {
      return await probe(host, randomInt(PORTS[0], PORTS[1] + 1));
    } catch (error) {
      if (!(error instanceof PortTaken)) throw error;
    }
  }
  throw new PortTaken(`${PORT_TRIES} ports are taken`);
}

/** Starts the Worker; returns once it answers. Throws PortTaken where the port is not free, AddressUnusable where it can't be listened on. */
export async function startRuntime({
  host,
  port,
  folder,
  secrets,
  takesProgress = false,
  main: otherMain,
}: RuntimeOptions): Promise<Runtime> {
  await probe(host, port);
  await makePublic();
  const logs = new LogFile(join(folder, "worker.log"));
  // A development secret takes the place of a deployed one; wrangler looks for it here.
  process.env["KEY_SECRET"] = secrets.keySecret;
  process.env["ADMIN_TOKEN"] = secrets.adminToken;
  process.env["MINIFLARE_WORKERD_V8_FLAGS"] ??= V8_FLAGS; // the simulator's only way to set them
  const { workerOptions, main } = unstable_getMiniflareWorkerOptions(CONFIG);
  const token = randomUUID();
  const { compatibilityFlags = [], bindings = {} } = workerOptions as { compatibilityFlags?: string[]; bindings?: Record<string, string> }; // an Omit over a union loses them
  if (!main) throw new Error("wrangler.toml names no main");
  const options = convertV4MiniflareOptions({
    port: 0,
    host: "127.0.0.1",
    cf: false,
    resourcePersistencePath: join(folder, "storage"),
    handleStructuredLogs: ({ level, message }: { level: string; message: string }) => {
      logs.write(`${level === "error" ? "error " : ""}${message}`);
    },
    workers: [
      {
        ...workerOptions,
        name: NAME,
        modules: [{ type: "ESModule", path: "worker.js", contents: await bundle(otherMain ?? main, token) }],
        compatibilityFlags: [
          // The strict rule is about Cloudflare's zones; here it would keep the Worker from servers on this machine.
          ...compatibilityFlags.filter((flag) => flag !== "global_fetch_strictly_public"),
          "queue_consumer_no_wait_for_wait_until",
        ],
        bindings: {
          ...bindings,
          ...settingsFor(CONFIG, process.env),
          KEY_SECRET: secrets.keySecret,
          ADMIN_TOKEN: secrets.adminToken,
          WEBHOOKS_TO_LOOPBACK: "1",
          LOCAL_URL: takesProgress ? urlOf(LOOPBACK[host] ?? host, port) : "",
        },
        serviceBindings: { GPU_NETWORK },
        unsafeDirectSockets: [{ host, port, entrypoint: DIRECT }],
      },
    ],
  });
  const guard = new Guard();
  const miniflare = withoutSignalHandlers(() => new Miniflare(options));
  const ask: Ask = async (what) => {
    const answer = await miniflare.dispatchFetch("http://localhost/", {
      method: "POST",
      headers: { [TOKEN_HEADER]: token },
      body: JSON.stringify(what),
    });
    const { rows, error } = (await answer.json()) as { rows?: unknown[]; error?: string }; // as bundle() has it
    if (!rows) throw new Error(error ?? `the embedded runtime answered ${answer.status}`);
    return rows;
  };
  const dispose = async () => {
    await miniflare.dispose();
    guard.end();
    logs.end();
  };
  try {
    await miniflare.ready;
    await migrate(ask);
  } catch (error) {
    await dispose();
    throw error;
  }
  const cron = setInterval(() => void ask("scheduled").catch(() => undefined), CRON_MS);
  return {
    url: urlOf(host, port),
    logFile: logs.path,
    async stop() {
      clearInterval(cron);
      await dispose();
    },
  };
}

const urlOf = (host: string, port: number) => `http://${host.includes(":") ? `[${host}]` : host}:${port}`;

/** The address of this machine itself, where what listens on all of its addresses is reached. */
const LOOPBACK: Readonly<Record<string, string>> = { "0.0.0.0": "127.0.0.1", "::": "::1" };

/** Miniflare's handlers of these end the process at once, which would forestall an orderly stop. */
function withoutSignalHandlers<T>(make: () => T): T {
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  const before = signals.map((signal) => process.listeners(signal));
  const made = make();
  for (const [index, signal] of signals.entries()) {
    for (const listener of process.listeners(signal)) if (!before[index]?.includes(listener)) process.removeListener(signal, listener);
  }
  return made;
}

/**
 * Ends workerd when this process dies without a word: it would go on serving, and hold the port and the database. A
 * shell for each waits for the end of its input, which comes with our own, whatever the way.
 */
class Guard {
  readonly #shells: ChildProcess[] = [];
  readonly #onSpawn = (message: unknown) => {
    const { process: child } = message as { process: ChildProcess }; // as documented for the channel
    // The channel tells of it before it is spawned.
    child.once("spawn", () => {
      if (!child.spawnfile.includes("workerd") || child.pid === undefined) return;
      this.#shells.push(spawn("sh", ["-c", `read _; kill -9 ${child.pid}`], { stdio: ["pipe", "ignore", "ignore"] }));
    });
  };

  constructor() {
    subscribe("child_process", this.#onSpawn);
  }

  end(): void {
    unsubscribe("child_process", this.#onSpawn);
    for (const shell of this.#shells.splice(0)) shell.kill("SIGKILL");
  }
}

/** What this process asks of the Worker's default entry: to do what a cron trigger does, or to run statements in one transaction. */
type Ask = (what: "scheduled" | readonly Statement[]) => Promise<readonly unknown[]>;

interface Statement {
  readonly text: string;
  readonly params?: readonly string[];
}

async function bundle(main: string, token: string): Promise<string> {
  const from = JSON.stringify(main);
  const contents = `
export * from ${from};
import worker from ${from};
export { worker as ${DIRECT} };
async function done(what, env, ctx) {
  if (what !== "scheduled") return await env.DB.batch(what.map(({ text, params = [] }) => env.DB.prepare(text).bind(...params)));
  await worker.scheduled({ cron: "* * * * *", scheduledTime: Date.now(), noRetry() {} }, env, ctx);
  return [];
}
export default {
  ...worker,
  async fetch(request, env, ctx) {
    if (request.headers.get(${JSON.stringify(TOKEN_HEADER)}) !== ${JSON.stringify(token)}) return worker.fetch(request, env, ctx);
    try {
      return Response.json({ rows: (await done(await request.json(), env, ctx)).flatMap(({ results }) => results) });
    } catch (error) {
      return Response.json({ error: String(error) }, { status: 500 });
    }
  },
};`;
  const built = await esbuild.build({
    stdin: { contents, resolveDir: ROOT },
    bundle: true,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*", "node:*"],
    write: false,
    logLevel: "silent",
  });
  await esbuild.stop(); // its service would live as long as we do
  const [file] = built.outputFiles;
  if (!file) throw new Error("the bundler made no file");
  return file.text;
}

/** Applies the migrations that the database has not seen, each in one transaction, noted as `wrangler d1 migrations` does. */
async function migrate(ask: Ask): Promise<void> {
  const text =
    "CREATE TABLE IF NOT EXISTS d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)";
  const rows = await ask([{ text }, { text: "SELECT name FROM d1_migrations" }]);
  const applied = new Set((rows as { name: string }[]).map((row) => row.name)); // the table is made above
  const folder = join(ROOT, "migrations");
  for (const name of readdirSync(folder)
    .filter((file) => file.endsWith(".sql"))
    .toSorted()) {
    if (applied.has(name)) continue;
    const statements = unstable_splitSqlQuery(readFileSync(join(folder, name), "utf8")).map((statement) => ({ text: statement }));
    await ask([...statements, { text: "INSERT INTO d1_migrations (name) VALUES (?)", params: [name] }]);
  }
}

/** What the system calls a host that it can't listen on. */
const NO_ADDRESS: ReadonlySet<string> = new Set(["ENOTFOUND", "EAI_AGAIN", "EADDRNOTAVAIL", "EINVAL"]);

/** Listens for a moment, to learn whether one can; returns the port it got. */
function probe(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") reject(new PortTaken(`Port ${port} on ${host} is taken.`));
      else if (error.code === "EACCES") reject(new AddressUnusable(`You may not listen on port ${port} of ${host}.`));
      else if (NO_ADDRESS.has(error.code ?? "")) reject(new AddressUnusable(`${host} is no address of this machine.`));
      else reject(error);
    });
    server.listen({ host, port, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : port));
    });
  });
}
