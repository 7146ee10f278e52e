/**
 * lane: an experiment. A lane's queue in the SQLite of a Durable Object of its own, which gives out the work itself, with D1 as the
 * record of every inference: what would it give? It does the least that such a build could do: no keys, limits, leases, retries or turns
 * among accounts. So it shows the most that is to be had, beside the real thing and the peer.
 * "D1 first": a submit is answered, and a slot falls free, when D1 has it, as today. "D1 after": when the object has it; D1 follows.
 */
import { performance } from "node:perf_hooks";
import { startBare } from "../bare.ts";
import { type Samples, median, ratios, spread, table } from "../figures.ts";
import { startInstantGpu } from "../gpu-instant.ts";
import { until } from "../../test/support/deployment.ts";
import { ACCOUNTS, type Contestant, SLOTS, call, nth, numbers, pool } from "./contestant.ts";
import type { LoadRequest } from "./load.ts";
import { startOurs } from "./ours.ts";
import { startPeer, whyNoPeer } from "./peer.ts";

const CLIENTS = 32;
const EMPTY_SECONDS = 120;

const scriptFor = (gpu: string) => `import { DurableObject } from "cloudflare:workers";
const json = (value, status = 200) => new Response(JSON.stringify(value), { status, headers: { "Content-Type": "application/json" } });
export class Lane extends DurableObject {
  running = 0;
  began = [];
  ended = [];
  recording = null;
  constructor(ctx, env) {
    super(ctx, env);
    this.sql = ctx.storage.sql;
    this.sql.exec("CREATE TABLE IF NOT EXISTS queue (turn INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT, account TEXT, body TEXT, output TEXT)");
    this.sql.exec("CREATE INDEX IF NOT EXISTS waiting ON queue (turn) WHERE output IS NULL");
  }
  /** Resolves when D1 has what is noted now; what comes meanwhile goes together in the next batch. */
  record() {
    this.recording ??= Promise.resolve().then(async () => {
      const [began, ended] = [this.began, this.ended];
      this.began = [];
      this.ended = [];
      const db = this.env.DB;
      const statements = [];
      if (began.length > 0) statements.push(db.prepare("INSERT INTO jobs (account, id, body, status, created_at) SELECT value ->> 0, value ->> 1, value ->> 2, 'queued', value ->> 3 FROM json_each(?)").bind(JSON.stringify(began)));
      if (ended.length > 0) statements.push(db.prepare("UPDATE jobs SET status = 'succeeded', output = asked.value ->> 2, finished_at = asked.value ->> 3 FROM json_each(?) AS asked WHERE jobs.account = asked.value ->> 0 AND jobs.id = asked.value ->> 1").bind(JSON.stringify(ended)));
      this.recording = null;
      const before = this.writing;
      this.writing = (async () => {
        await before;
        await db.batch(statements);
        for (const [, , , , turn] of ended) this.sql.exec("DELETE FROM queue WHERE turn = ?", turn);
      })();
      return this.writing;
    });
    return this.recording;
  }
  async submit(account, body, first) {
    const id = crypto.randomUUID();
    this.began.push([account, id, body, Date.now()]);
    if (first) await this.record();
    else this.ctx.waitUntil(this.record());
    this.sql.exec("INSERT INTO queue (id, account, body) VALUES (?, ?, ?)", id, account, body);
    this.dispatch(first);
    return id;
  }
  dispatch(first) {
    while (this.running < ${SLOTS}) {
      const [job] = this.sql.exec("SELECT turn, id, account, body FROM queue WHERE output IS NULL AND turn > ? ORDER BY turn LIMIT 1", this.last ?? 0).toArray();
      if (!job) return;
      this.last = job.turn;
      this.running++;
      this.ctx.waitUntil(this.run(job, first));
    }
  }
  async run({ turn, id, account, body }, first) {
    const output = await (await this.env.SELF.fetch("http://self/run", { method: "POST", body })).text();
    this.sql.exec("UPDATE queue SET output = ? WHERE turn = ?", output, turn);
    this.ended.push([account, id, output, Date.now(), turn]);
    const recorded = this.record();
    if (first) await recorded;
    this.running--;
    this.dispatch(first);
    await recorded;
  }
  open() {
    return this.sql.exec("SELECT count(*) AS open FROM queue").one().open + this.began.length;
  }
}
export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    const lane = env.LANE.getByName("lane");
    if (pathname === "/run") return env.NETWORK.fetch("${gpu}/infer", { method: "POST", headers: { "Content-Type": "application/json" }, body: await request.text() });
    if (pathname === "/open") return json({ open: await lane.open() });
    if (pathname === "/fill") {
      await env.DB.exec("CREATE TABLE jobs (account TEXT, id TEXT, body TEXT, status TEXT, output TEXT, created_at INTEGER, finished_at INTEGER, PRIMARY KEY (account, id)) WITHOUT ROWID");
      return json({});
    }
    const [, mode, account] = pathname.split("/");
    return json({ id: await lane.submit(account, await request.text(), mode === "first") }, 202);
  },
};`;

interface Subject {
  readonly name: string;
  readonly url: string;
  readonly submits: readonly LoadRequest[];
  open(): Promise<number>;
  stop(): Promise<void>;
}

async function startLane(gpu: string, mode: "first" | "after"): Promise<Subject> {
  const bare = await startBare(scriptFor(gpu), { LANE: "Lane" }, true);
  await fetch(`${bare.url}/fill`);
  const body = JSON.stringify({ model: "live", inputs: [{ name: "x", shape: [1], datatype: "INT64", data: [0] }] });
  return {
    name: `a lane in an object, D1 ${mode}`,
    url: bare.url,
    submits: numbers(ACCOUNTS).map((account) => ({
      method: "POST",
      path: `/${mode}/account-${account}`,
      headers: { "Content-Type": "application/json" },
      body,
    })),
    open: async () => ((await (await fetch(`${bare.url}/open`)).json()) as { open: number }).open, // of the script above
    stop: () => bare.stop(),
  };
}

function subjectOf(contestant: Contestant): Subject {
  const { name, url, rows } = contestant;
  return {
    name,
    url,
    submits: rows["live"]?.requests ?? [],
    open: async () => (await contestant.open?.()) ?? 0,
    stop: () => contestant.stop(),
  };
}

export async function laneObject({ rounds, jobs }: { readonly rounds: number; readonly jobs: number }): Promise<Samples> {
  const gpu = await startInstantGpu();
  const whyNot = whyNoPeer();
  if (whyNot !== null) console.log(`no figures of the peer: ${whyNot}`);
  const ours = subjectOf(await startOurs(gpu.url));
  const subjects = [ours, await startLane(gpu.url, "first"), await startLane(gpu.url, "after")];
  if (whyNot === null) subjects.push(subjectOf(await startPeer(gpu.url, "always")));
  const submits = new Map(subjects.map(({ name }) => [name, [] as number[]]));
  const ends = new Map(subjects.map(({ name }) => [name, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
      const begun = performance.now();
      const perSecond = () => jobs / ((performance.now() - begun) / 1000);
      await pool(numbers(jobs), CLIENTS, (number) => call(subject.url, nth(subject.submits, number), 202));
      submits.get(subject.name)?.push(perSecond());
      const left = await until(
        () => subject.open(),
        (count) => count === 0,
        EMPTY_SECONDS,
      );
      if (left > 0) throw new Error(`${subject.name}: ${left} are not done after ${EMPTY_SECONDS} s`);
      ends.get(subject.name)?.push(perSecond());
    }
    console.log(`round ${round + 1} of ${rounds} is done`);
  }
  for (const subject of subjects) await subject.stop();
  gpu.end();
  const of = (figures: Map<string, number[]>, { name }: Subject) => figures.get(name) ?? [];
  const lines = subjects.map((subject) => [
    subject.name,
    spread(of(submits, subject), 0),
    spread(of(ends, subject), 0),
    spread([median(ratios(of(ends, subject), of(ends, ours)))], 2),
  ]);
  console.log(`\n${table(["lane", "submits a second", "until final, a second", "of ours"], lines)}\n`);
  return Object.fromEntries(
    subjects.flatMap((subject) => [
      [`${subject.name}: submits`, of(submits, subject)],
      [`${subject.name}: until final`, of(ends, subject)],
    ]),
  );
}
