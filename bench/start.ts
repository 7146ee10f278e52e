/**
 * start: what the runtime has spent of the processor until a Worker has answered its first request, since it was started: ours, as it is
 * deployed, beside one that does nothing, in turns. No other simulators stand beside them, so the difference is what a cold isolate costs.
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Miniflare, convertV4MiniflareOptions } from "miniflare";
import { unstable_getMiniflareWorkerOptions } from "wrangler";
import { makePublic } from "../src/local/public.mjs";
import { ROOT, newFolder } from "../test/support/deployment.ts";
import { runtimeOf } from "./bare.ts";
import { type Samples, ratios, spread } from "./figures.ts";
import { cpuSecondsOf } from "./hot/load.ts";

const SECRET = "nobody asks for it, and it is long enough";
const NOTHING = `export default { fetch: () => Response.json({ ok: true }) };`;

interface Settings {
  readonly compatibilityDate?: string;
  readonly compatibilityFlags?: string[];
  readonly bindings?: Record<string, string>;
  readonly durableObjects?: Record<string, string>;
}

/** What would be uploaded. */
async function deployed(): Promise<string> {
  await makePublic();
  const folder = newFolder();
  execFileSync("wrangler", ["deploy", "--dry-run", "--outdir", folder], { cwd: ROOT, stdio: "ignore" });
  return readFileSync(join(folder, "worker.js"), "utf8");
}

/** In ms. Of what Workers are bound to they have the objects and the settings alone: the first answer needs no more. */
async function startOf(contents: string, isOurs: boolean): Promise<number> {
  const { workerOptions } = unstable_getMiniflareWorkerOptions(join(ROOT, "wrangler.toml"));
  const { compatibilityDate, compatibilityFlags, bindings, durableObjects = {} } = workerOptions as Settings; // an Omit over a union loses their types
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      port: 0,
      host: "127.0.0.1",
      cf: false,
      workers: [
        {
          name: "start",
          modules: [{ type: "ESModule", path: "worker.js", contents }],
          ...(compatibilityDate === undefined ? {} : { compatibilityDate }),
          ...(compatibilityFlags === undefined ? {} : { compatibilityFlags }),
          ...(isOurs ? { durableObjects, bindings: { ...bindings, KEY_SECRET: SECRET, ADMIN_TOKEN: SECRET } } : {}),
        },
      ],
    }),
  );
  const url = await miniflare.ready;
  const answer = await fetch(new URL("/healthz", url));
  if (answer.status !== 200) throw new Error(`the first answer was ${answer.status}: ${await answer.text()}`);
  const spent = cpuSecondsOf([runtimeOf((parent) => parent === process.pid)]) * 1000;
  await miniflare.dispose();
  return spent;
}

export async function start(rounds: number): Promise<Samples> {
  const worker = await deployed();
  const nothing: number[] = [];
  const ours: number[] = [];
  for (let round = 0; round < rounds; round++) {
    nothing.push(await startOf(NOTHING, false));
    ours.push(await startOf(worker, true));
  }
  const more = ours.map((spent, round) => spent - (nothing[round] ?? Number.NaN));
  console.log(`start, processor time of the runtime until the first answer, median of ${rounds} rounds`);
  console.log(`  a do-nothing Worker     ${spread(nothing, 0)} ms`);
  console.log(`  ours                    ${spread(ours, 0)} ms, ${spread(ratios(ours, nothing), 2)} times as much`);
  console.log(`  so a cold isolate costs ${spread(more, 0)} ms more`);
  return { nothing, ours };
}
