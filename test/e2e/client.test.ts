/**
 * The TypeScript client in front of a whole deployment: the cases of every runtime in this Node, in the machine's own and in
 * Chromium; and what only a whole deployment shows: a restart in the middle, and a client that is killed in the middle.
 */
import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Claimcheck, type Event } from "../../client/typescript/client.ts";
import { KINDS, type Kind, type Outcome, type World, allOf, answerOf } from "../support/client-cases.ts";
import { type Deployment, ROOT, deploy, endAll, newFolder } from "../support/deployment.ts";
import { nodeOfTheMachine } from "../support/machine.ts";

const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];
const MIB = 1024 * 1024;
const hasPython = spawnSync("python3", ["--version"]).error === undefined;

/** What the script of the cases defines. */
interface Cases {
  runAll(world: unknown): Promise<Outcome[]>;
}

/** The models' servers, each at the path of its kind. Those of the kind "held" answer when they are released. */
const servers = createServer((request, response) => {
  const kind = request.url?.slice(1) ?? "";
  const answer = kind === "held" ? released.promise.then(() => answerOf("colors")) : answerOf(kind as "colors"); // a path that was registered
  void answer.then(async (it) => response.writeHead(it.status, Object.fromEntries(it.headers)).end(Buffer.from(await it.arrayBuffer())));
});
const released = Promise.withResolvers<void>();
const pages = createServer((_, response) => response.setHeader("Content-Type", "text/html").end("<title>an application</title>"));
const addressOf = (server: Server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on a port

let folder: string;
let deployment: Deployment;
/** The cases as one script, which defines `cases`. */
let script: string;

beforeAll(async () => {
  for (const server of [servers, pages]) await once(server.listen(0, "127.0.0.1"), "listening");
  folder = newFolder();
  const [started, built] = await Promise.all([
    deploy({ folder: join(folder, "state"), env: { ALLOWED_ORIGINS: addressOf(pages) } }),
    build({
      entryPoints: [join(ROOT, "test", "support", "client-cases.ts")],
      bundle: true,
      write: false,
      format: "iife",
      globalName: "cases",
      target: "es2022",
    }),
  ]);
  deployment = started;
  script = built.outputFiles[0]?.text ?? "";
  for (const kind of [...KINDS, "held"]) {
    await deployment.operator("POST", "/models", { name: kind });
    if (kind !== "never") await backend(kind);
  }
});

afterAll(() => {
  servers.closeAllConnections();
  servers.close();
  pages.close();
  endAll();
});

function backend(kind: string): Promise<unknown> {
  return deployment.operator("POST", "/backends", {
    model: kind,
    url: `${addressOf(servers)}/${kind}`,
    protocol: "http",
    max_concurrency: 8,
  });
}

async function newWorld(): Promise<Omit<World, "fetch">> {
  const account = await deployment.operator("POST", "/accounts", { name: "client" });
  const limits = { read: 1_000, submit: 1_000, cancel: 1_000 };
  const { key } = await deployment.operator("POST", "/keys", { account_id: account["id"], limits });
  const models = Object.fromEntries(KINDS.map((kind) => [kind, kind])) as Record<Kind, string>; // of all kinds
  return { url: deployment.url, key: String(key), accountId: String(account["id"]), models };
}

const faultsIn = (outcomes: readonly Outcome[]) => outcomes.filter(({ fault }) => fault !== null);

describe.concurrent("the client does what it should", () => {
  async function inNode(program: string): Promise<Outcome[]> {
    const file = join(newFolder(), "cases.mjs");
    writeFileSync(file, `${script}\nconsole.log(JSON.stringify(await cases.runAll(${JSON.stringify(await newWorld())})));`);
    return new Promise((resolve, reject) => {
      execFile(program, [file], (error, out, said) =>
        error ? reject(new Error(said, { cause: error })) : resolve(JSON.parse(out) as Outcome[]),
      ); // as it was printed
    });
  }

  test(`in Node ${process.versions.node}`, async () => {
    expect(faultsIn(await inNode(process.execPath))).toEqual([]);
  });

  test("in the machine's own Node, of version 20 or newer", async ({ skip }) => {
    const other = nodeOfTheMachine();
    if (other === null) return skip("there is none beside the project's");
    expect(faultsIn(await inNode(other))).toEqual([]);
  });

  test("in a page of another origin, in Chromium", async () => {
    if (!existsSync(CHROMIUM)) throw new Error(`There is no Chromium at ${CHROMIUM}: install it, or name it with CHROMIUM=…`);
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
    try {
      const page = await browser.newPage();
      await page.goto(addressOf(pages));
      await page.addScriptTag({ content: script });
      const outcomes = await page.evaluate(
        (world) => (globalThis as unknown as { cases: Cases }).cases.runAll(world), // which the script defines
        await newWorld(),
      );
      expect(faultsIn(outcomes)).toEqual([]);
    } finally {
      await browser.close();
    }
  });
});

test("an upload whose client is killed goes on in another process with the parts that are missing", async () => {
  const { url, key } = await newWorld();
  const bytes = new Uint8Array(25 * MIB).map((_, index) => index % 251);
  const [file, begun] = [join(folder, "clip.bin"), join(folder, "upload-id")];
  writeFileSync(file, bytes);
  const program = join(folder, "upload.mjs");
  writeFileSync(
    program,
    `import { openAsBlob, writeFileSync } from "node:fs";
     import { Claimcheck } from ${JSON.stringify(join(ROOT, "client", "typescript", "client.ts"))};
     const client = new Claimcheck(${JSON.stringify({ url, key })});
     const never = new Promise(() => setInterval(() => {}, 1_000));
     const fetch = globalThis.fetch;
     let parts = 0;
     globalThis.fetch = async (to, init) => {
       if (init.method === "PUT" && ++parts === 3) { console.log("two parts are there"); await never; }
       return fetch(to, init);
     };
     await client.upload(await openAsBlob(${JSON.stringify(file)}), { onStart: (id) => writeFileSync(${JSON.stringify(begun)}, id) });`,
  );
  const child = spawn(process.execPath, [program], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "close");

  const sent: string[] = [];
  const noting = (to: string, init: RequestInit) => {
    if (init.method === "PUT") sent.push(to.split("/").at(-1) ?? "");
    return fetch(to, init);
  };
  const id = readFileSync(begun, "utf8");
  const uploaded = await new Claimcheck({ url, key, fetch: noting }).upload(new Blob([bytes]), { resume: id });
  expect(sent).toEqual(["3", "4"]);
  const answer = await fetch(`${url}/v1/files/${uploaded.id}/content`, { headers: { Authorization: `Bearer ${key}` } });
  expect(Buffer.from(bytes).equals(Buffer.from(await answer.arrayBuffer()))).toBe(true);
});

/** What a program with the Python client prints, as JSON. */
async function inPython(program: string, ...args: readonly string[]): Promise<unknown> {
  const { stdout } = await promisify(execFile)("python3", ["-c", program, ...args], {
    env: { ...process.env, PYTHONPATH: join(ROOT, "client", "python"), PYTHONDONTWRITEBYTECODE: "1" },
  });
  return JSON.parse(stdout);
}

test.runIf(hasPython)("from Python a call waits for a minute at most, and a file that can't be written is no cut connection", async () => {
  const { url, key } = await newWorld();
  const program = `
import json, sys
import claimcheck
client = claimcheck.Claimcheck(sys.argv[1], key=sys.argv[2])
inference = client.submit("colors", {}, wait=90)
try: client.download(inference, sys.argv[3] + "/nowhere/result.bin")
except FileNotFoundError as error: missing = error.filename
length = client.download(client.get(inference, wait=0.2), sys.argv[3] + "/result.bin")
print(json.dumps([inference.status, missing, length]))`;
  const at = newFolder();
  const [status, missing, length] = (await inPython(program, url, key, at)) as [string, string, number]; // as it prints
  expect([status, missing]).toEqual(["succeeded", join(at, "nowhere", "result.bin.part")]);
  expect(readFileSync(join(at, "result.bin"))).toHaveLength(length);
});

test.runIf(hasPython)(
  "an upload from Python goes on where it was, is not sent again when it is complete, and begins again when it is gone",
  async () => {
    const { url, key } = await newWorld();
    const program = `
import json, sys
import claimcheck
client = claimcheck.Claimcheck(sys.argv[1], key=sys.argv[2])
whole, ids = bytes(9 * 1024 * 1024), []
class Killed(Exception): pass
def kill(*_): raise Killed
try: client.upload(whole, started=ids.append, progress=kill)
except Killed: pass
sent = []
file = client.upload(whole, resume=ids[0], progress=lambda through, total: sent.append(through))
again = client.upload(whole, resume=ids[0])
try: client.upload(b"short", resume=ids[0])
except claimcheck.ClaimcheckError as error: refused = str(error)
print(json.dumps([file.id == ids[0], sent, again.id == file.id, refused, client.upload(b"short", resume="gone").bytes]))`;
    expect(await inPython(program, url, key)).toEqual([true, [9 * MIB], true, expect.stringContaining("this one has 5"), 5]);
  },
);

test.runIf(hasPython)("from Python what filters pick is canceled and redriven, and links lead to a result and a file", async () => {
  const { url, key } = await newWorld();
  const program = `
import asyncio, json, sys, urllib.request
import claimcheck
client = claimcheck.Claimcheck(sys.argv[1], key=sys.argv[2])
client.submit_many([{"model": "never", "input": {}, "metadata": {"order": "7"}}] * 3)
counts = [client.cancel_many(metadata={"order": "7"}, dry_run=True), client.cancel_many(metadata={"order": "7"})]
failed = client.submit("refuses", {}, wait=30)
async def again():
    async with claimcheck.AsyncClaimcheck(sys.argv[1], key=sys.argv[2]) as other:
        return await other.redrive_many(error_class="input")
redriven = asyncio.run(again())
done = client.submit("colors", {}, wait=30)
output = json.load(urllib.request.urlopen(client.link(done, expires_in_seconds=60)["url"]))
text = urllib.request.urlopen(client.link_file(client.upload(b"a text"), expires_in_seconds=60)["url"]).read().decode()
async def linked():
    async with claimcheck.AsyncClaimcheck(sys.argv[1], key=sys.argv[2]) as other:
        return (await other.link_file((await other.upload(b"b")).id, methods=["HEAD"]))["methods"]
print(json.dumps([counts, redriven, client.wait(failed.id).attempts, output, text, asyncio.run(linked())]))`;
  const picked = { looked_at: 3, canceled: 3 };
  const redriven = { looked_at: 4, redriven: 1, refused: {} };
  expect(await inPython(program, url, key)).toEqual([[picked, picked], redriven, 2, { colors: ["#ffffff"] }, "a text", ["HEAD"]]);
});

test("run, wait and events outlast a deployment that is killed and started again", async () => {
  const { url, key } = await newWorld();
  const client = new Claimcheck({ url, key });
  const told: Event[] = [];
  const [waited, watched] = [await client.submit("held", {}), await client.submit("held", {})];
  const all = Promise.all([
    client.run("held", {}, { metadata: { by: "run" } }),
    client.wait(waited),
    (async () => {
      for await (const event of client.events(watched)) told.push(event);
    })(),
  ]);
  await expect.poll(async () => (await allOf(client.list({ status: "in_progress" }))).length, { timeout: 20_000 }).toBe(3);
  await deployment.kill9();
  deployment = await deploy({ folder: deployment.folder, port: deployment.port });
  released.resolve();
  const [output, ended] = await all;
  expect([output, ended.status]).toEqual([{ colors: ["#ffffff"] }, "succeeded"]);
  const ids = told.flatMap(({ id }) => id ?? []);
  expect(new Set(ids).size).toBe(ids.length);
  expect(told.at(-1)).toMatchObject({ event: "final", data: { inference: { status: "succeeded" } } });
  const logged = (await client.get(watched, { logs: true })).logs?.map(({ event }) => event);
  expect(told.filter(({ id }) => id !== null).map(({ data }) => data["event"])).toEqual(logged);
  expect(await allOf(client.list({ metadata: { by: "run" } }))).toHaveLength(1);
});
