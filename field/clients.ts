/**
 * `npm run field:clients`: real clients of other languages in front of a whole deployment, each as its own documentation uses it.
 * Needs Python 3, curl and Go; packages of PyPI and npm are pinned and installed into `field/.envs`. `npm run field:clients -- litellm curl` takes
 * only some. What was seen is printed, and written into docs/clients.md and field/clients/seen.json.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { type Server, createServer, request as ask } from "node:http";
import { type ServerHttp2Session, createServer as createHttp2Server } from "node:http2";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { build } from "esbuild";
import { KINDS, answerOf } from "../test/support/client-cases.ts";
import { deploy, endAll, newFolder } from "../test/support/deployment.ts";
import { listening } from "../test/support/listening.ts";
import { startModelServer } from "./clients/model-server.ts";
import { pythonWith } from "./python.ts";

interface Look {
  readonly look: string;
  readonly good: boolean;
  readonly saw: string;
}

interface Client {
  readonly name: string;
  readonly file: string;
  /** Of PyPI; the first is the client itself, unless it has a version of its own. */
  readonly packages?: readonly string[];
  /** A runtime, of npm; its program is run by what stands before the file. */
  readonly runtime?: { readonly package: string; readonly command: readonly string[] };
  readonly version?: () => string;
}

/** The cases of the TypeScript client, as one program. */
const CASES = join(import.meta.dirname, ".envs", "client-cases.mjs");

const CLIENTS: readonly Client[] = [
  { name: "tritonclient", file: "triton_client.py", packages: ["tritonclient[http]==2.73.0", "aiohttp==3.14.5"] },
  { name: "openai-python", file: "openai_client.py", packages: ["openai==3.57.0"] },
  { name: "openai-go", file: "openai_go.go" },
  { name: "baseten-performance-client", file: "baseten_client.py", packages: ["baseten_performance_client==0.1.16"] },
  { name: "runpod", file: "runpod_client.py", packages: ["runpod==1.12.0"] },
  { name: "huggingface_hub", file: "huggingface_client.py", packages: ["huggingface_hub==2.4.0", "numpy==2.4.6", "aiohttp==3.14.5"] },
  { name: "litellm", file: "litellm_client.py", packages: ["litellm==1.110.2"] },
  { name: "langchain-openai", file: "langchain_client.py", packages: ["langchain-openai==1.7.4"] },
  { name: "requests", file: "requests_client.py", packages: ["requests==2.34.2"] },
  { name: "claimcheck (Python)", file: "claimcheck_client.py", packages: ["standardwebhooks==1.1.0"], version: ownVersion },
  {
    name: "claimcheck (TypeScript) in Deno",
    file: CASES,
    runtime: { package: "deno@2.9.6", command: ["deno", "run", "--quiet", "--allow-net", "--allow-env"] },
  },
  { name: "claimcheck (TypeScript) in Bun", file: CASES, runtime: { package: "bun@1.4.5", command: ["bun", "run"] } },
  { name: "claimcheck (npm)", file: "packed.ts", version: packageVersion },
  { name: "curl", file: "curl.sh" },
];

const HERE = import.meta.dirname;
const FOLDER = join(HERE, "clients");
const SEEN = join(FOLDER, "seen.json");
const PAGE = join(HERE, "..", "docs", "clients.md");
const BEGIN = "<!-- made by npm run field:clients: begin -->";
const END = "<!-- made by npm run field:clients: end -->";
/** Of triton-inference-server/client. */
const EXAMPLES_COMMIT = "58a44caa0dce77303115302e6dbdf64626b2b093";
const EXAMPLES = ["aio_infer_client", "async_infer_client", "health_metadata", "infer_client", "string_infer_client"];

const only = process.argv.slice(2).filter((word) => !word.startsWith("-"));
const table = (existsSync(SEEN) && only.length > 0 ? JSON.parse(readFileSync(SEEN, "utf8")) : {}) as Record<string, Look[]>; // written below
const models = await startModelServer();
const cases = await startCases();
// One of Triton's examples insists on the name.
const deployment = await deploy({ folder: newFolder(), env: { OIP_SERVER_NAME: "triton" } });
const keyed = await addingTheKey(deployment.url, deployment.key);
const http2 = await speakingHttp2(deployment.url);
try {
  await register("simple", "oip", "");
  await register("simple_string", "oip", "");
  await register("simple_identity", "oip", "");
  await register("simple_echo", "oip", "");
  await register("chat", "openai", "");
  await register("embedder", "openai", "", ["embeddings", "rerank", "predict", "v1/embeddings"]);
  await register("items", "http", "/echo");
  await register("echo", "http", "/echo", ["embed", "run"]);
  await deployment.operator("POST", "/models", { name: "nobody" });
  await registerCases();
  const env = {
    ...process.env,
    CLAIMCHECK_URL: deployment.url,
    CLAIMCHECK_KEY: deployment.key,
    KEYED_URL: keyed.url,
    HTTP2_URL: http2.url,
    TRITON_EXAMPLES: await examples(),
  };
  for (const client of CLIENTS) if (only.length === 0 || only.includes(client.name)) await meet(client, env);
} finally {
  keyed.server.closeAllConnections();
  keyed.server.close();
  http2.close();
  models.close();
  cases.close();
  await deployment.interrupt();
  endAll();
}
const rank = (title: string) => CLIENTS.findIndex(({ name }) => title.startsWith(`${name} `));
const ordered = Object.entries(table).toSorted(([one], [two]) => rank(one) - rank(two));
writeFileSync(SEEN, `${JSON.stringify(Object.fromEntries(ordered), null, 2)}\n`);
const page = readFileSync(PAGE, "utf8");
writeFileSync(PAGE, page.slice(0, page.indexOf(BEGIN) + BEGIN.length) + markdown() + page.slice(page.indexOf(END)));
const bad = Object.values(table).flatMap((looks) => looks.filter(({ good }) => !good)).length;
console.log(`\n${Object.keys(table).length} clients met, ${bad} cells not as they should be`);
process.exit(bad === 0 ? 0 : 1);

async function register(name: string, protocol: string, path: string, capabilities?: readonly string[]): Promise<void> {
  await deployment.operator("POST", "/models", { name, ...(capabilities ? { capabilities } : {}) });
  await deployment.operator("POST", "/backends", { model: name, url: models.url + path, protocol, max_concurrency: 4 });
}

async function meet(client: Client, env: NodeJS.ProcessEnv): Promise<void> {
  const prepared = prepare(client);
  if ("reason" in prepared) return console.log(`\n${client.name} can't be had here: ${prepared.reason}`);
  const title = `${client.name} ${prepared.version}`;
  console.log(`\n${title}`);
  const looks: Look[] = [];
  for (const known of Object.keys(table)) if (known.startsWith(`${client.name} `)) delete table[known];
  table[title] = looks;
  const [command, ...args] = prepared.command;
  if (command === undefined) throw new Error("no command");
  const child = spawn(command, args, { cwd: FOLDER, env, stdio: ["ignore", "pipe", "pipe"] });
  let [output, errors] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
  const [code] = (await once(child, "close")) as [number | null]; // as documented for the event
  for (const line of output.split("\n")) {
    if (!line.startsWith('{"')) continue;
    const seen = JSON.parse(line) as Look; // written by the client's program
    looks.push({ ...seen, saw: steady(seen.saw) });
  }
  if (code !== 0) looks.push({ look: "to the end", good: false, saw: `exit ${code}: ${errors.trim().split("\n").at(-1) ?? ""}` });
  for (const { look, good, saw } of looks) console.log(`  ${good ? "ok  " : "BAD "} ${look.padEnd(34)} ${saw}`);
}

/** In one line, and without what differs from run to run. */
function steady(saw: string): string {
  return saw
    .replaceAll(deployment.url, "URL")
    .replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "ID")
    .replaceAll(/perfclient-[0-9a-f]+/g, "ID")
    .replaceAll(/signed \d+ s ago/g, "signed N s ago")
    .replaceAll(/ (?:object )?at 0x[0-9a-f]+/g, "")
    .replaceAll(/\s*\n\s*/g, " ");
}

/** What runs a client, and its version. */
function prepare({ name, file, packages, runtime, version }: Client): { command: readonly string[]; version: string } | { reason: string } {
  if (packages) {
    const made = pythonWith(`client-${name}`, packages);
    return "reason" in made ? made : { command: [made.python, file], version: version?.() ?? packages[0]?.split("==")[1] ?? "" };
  }
  if (runtime) return inRuntime(file, runtime);
  if (file.endsWith(".ts")) return { command: [process.execPath, file], version: version?.() ?? "" };
  if (file.endsWith(".go")) {
    const binary = join(HERE, ".envs", name);
    mkdirSync(join(HERE, ".envs"), { recursive: true });
    const { status, stderr, error } = spawnSync("go", ["build", "-mod=readonly", "-o", binary, file], { cwd: FOLDER, encoding: "utf8" });
    if (status !== 0) return { reason: error?.message ?? stderr.trim() };
    return { command: [binary], version: /openai-go\/v3 v(\S+)/.exec(readFileSync(join(FOLDER, "go.mod"), "utf8"))?.[1] ?? "" };
  }
  const { stdout, error } = spawnSync("curl", ["--version"], { encoding: "utf8" });
  return error ? { reason: error.message } : { command: ["sh", file], version: /^curl (\S+)/.exec(stdout)?.[1] ?? "" };
}

/** A runtime of npm, installed where it is not there yet, before the program. */
function inRuntime(
  file: string,
  { package: wanted, command: [name = "", ...args] }: NonNullable<Client["runtime"]>,
): { command: readonly string[]; version: string } | { reason: string } {
  const folder = join(HERE, ".envs", wanted);
  const program = join(folder, "node_modules", ".bin", name);
  if (!existsSync(program)) {
    mkdirSync(folder, { recursive: true });
    const install = ["install", "--no-audit", "--no-fund", "--no-save", "--prefix", folder, wanted];
    const { status, stderr, error } = spawnSync("npm", install, { encoding: "utf8" });
    if (status !== 0) return { reason: error?.message ?? stderr.trim() };
  }
  return { command: [program, ...args, file], version: wanted.split("@").at(-1) ?? "" };
}

/** The servers of the models that the TypeScript client's cases need, each at the path of its kind. */
async function startCases(): Promise<Server> {
  const server = createServer((request, response) => {
    const kind = KINDS.find((each) => request.url === `/${each}`);
    if (kind === undefined || kind === "never") return response.writeHead(404).end();
    void answerOf(kind).then(async (answer) =>
      response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(Buffer.from(await answer.arrayBuffer())),
    );
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return server;
}

/** Their models, an account of their own, and the program that runs the cases as that account. */
async function registerCases(): Promise<void> {
  const url = `http://127.0.0.1:${(cases.address() as AddressInfo).port}`; // it listens on a port
  for (const kind of KINDS) {
    await deployment.operator("POST", "/models", { name: kind });
    const backend = { model: kind, url: `${url}/${kind}`, protocol: "http", max_concurrency: 8 };
    if (kind !== "never") await deployment.operator("POST", "/backends", backend);
  }
  const account = await deployment.operator("POST", "/accounts", { name: "cases" });
  const limits = { read: 1_000, submit: 1_000, cancel: 1_000 };
  const { key } = await deployment.operator("POST", "/keys", { account_id: account["id"], limits });
  const world = { url: deployment.url, key, accountId: account["id"], models: Object.fromEntries(KINDS.map((kind) => [kind, kind])) };
  const program = `
    import { runAll } from "../../test/support/client-cases.ts";
    const outcomes = await runAll(${JSON.stringify(world)});
    const faults = outcomes.flatMap(({ name, fault }) => (fault === null ? [] : [name + ": " + fault]));
    const saw = [outcomes.length - faults.length + " of " + outcomes.length, ...faults].join("; ");
    console.log(JSON.stringify({ look: "the cases of the client", good: faults.length === 0, saw }));`;
  mkdirSync(join(HERE, ".envs"), { recursive: true }); // or nothing is found from there
  const stdin = { contents: program, resolveDir: join(HERE, ".envs"), loader: "ts" as const };
  await build({ stdin, outfile: CASES, bundle: true, format: "esm", target: "es2022" });
}

function packageVersion(): string {
  return (JSON.parse(readFileSync(join(HERE, "..", "package.json"), "utf8")) as { version: string }).version; // as npm has it
}

function ownVersion(): string {
  return /__version__ = "(.+)"/.exec(readFileSync(join(HERE, "..", "client", "python", "claimcheck.py"), "utf8"))?.[1] ?? "";
}

/** The folder with Triton's published examples; fetched where they are not there yet. */
async function examples(): Promise<string> {
  const folder = join(HERE, ".envs", "triton-examples");
  mkdirSync(folder, { recursive: true });
  for (const name of EXAMPLES) {
    const file = join(folder, `simple_http_${name}.py`);
    if (existsSync(file)) continue;
    const url = `https://raw.githubusercontent.com/triton-inference-server/client/${EXAMPLES_COMMIT}/src/python/examples/simple_http_${name}.py`;
    const answer = await fetch(url).catch(() => null);
    if (answer?.ok) writeFileSync(file, await answer.text());
    else console.log(`  simple_http_${name}.py can't be fetched, so it is left out`);
  }
  return folder;
}

/** A proxy that adds the key: for clients that have no place for one. */
async function addingTheKey(url: string, key: string): Promise<{ url: string; server: Server }> {
  const server = createServer((incoming, outgoing) => {
    const { method, headers } = incoming;
    const onward = ask(`${url}${incoming.url}`, { method, headers: { ...headers, authorization: `Bearer ${key}` } }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on("error", () => outgoing.destroy());
    incoming.pipe(onward);
  });
  return { url: await listening(server), server };
}

/** A proxy that speaks HTTP/2 without TLS, for clients that begin with it: what stands before a deployment speaks it, the embedded runtime does not. */
async function speakingHttp2(url: string): Promise<{ url: string; close: () => void }> {
  const sessions = new Set<ServerHttp2Session>();
  const server = createHttp2Server((incoming, outgoing) => {
    const headers = Object.fromEntries(Object.entries(incoming.headers).filter(([name]) => !name.startsWith(":")));
    const onward = ask(`${url}${incoming.url}`, { method: incoming.method, headers }, (answer) => {
      const { connection: _, "transfer-encoding": __, "keep-alive": ___, ...passed } = answer.headers; // HTTP/2 has none of these
      outgoing.writeHead(answer.statusCode ?? 502, passed);
      answer.pipe(outgoing);
    });
    onward.on("error", () => outgoing.stream.destroy());
    incoming.pipe(onward);
  });
  server.on("session", (session) => {
    sessions.add(session);
    session.on("close", () => sessions.delete(session));
  });
  const to = await listening(server);
  return {
    url: to,
    close() {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}

function markdown(): string {
  const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("\n", " ");
  const parts = ordered.map(([title, looks]) =>
    [
      `### ${title}`,
      "",
      "| asked | seen | |",
      "| --- | --- | --- |",
      ...looks.map(({ look, good, saw }) => `| ${cell(look)} | ${cell(saw)} | ${good ? "" : "not as it should be"} |`),
    ].join("\n"),
  );
  return `\n\n${parts.join("\n\n")}\n\n`;
}
