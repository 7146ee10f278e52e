/** The command line against a whole deployment, as its users run it: each command a process of its own. */
import { once } from "node:events";
import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SAMPLE_MODEL } from "../../src/local/deployment.ts";
import { freePort } from "../../src/local/runtime.ts";
import { type Deployment, ROOT, deploy, endAll, newFolder, until } from "../support/deployment.ts";
import { DOCUMENTS, SHELLS, blocksOf, isShell, runs } from "../support/documents.ts";
import { listening } from "../support/listening.ts";

const PICTURES = 200;
const INPUT = '[{"image_path": "{file}", "product_type": "Shoes"}]';

/** The id of an inference that there is not. */
const NOBODYS = "01a2243f-ed4d-781a-8391-aa60d6429857";

let deployment: Deployment;
let home: string;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  home = newFolder();
  deployment = await deploy({ folder: join(home, "state") });
  // What is tried here comes faster than a person tries it, and curl does not come again by itself.
  const keyId = deployment.key.split("_")[1] ?? "";
  await deployment.operator("PATCH", `/keys/${keyId}`, { limits: { read: 1_000, submit: 1_000, cancel: 1_000 } });
  env = {
    ...process.env,
    NO_COLOR: "1",
    XDG_CONFIG_HOME: join(home, "config"),
    XDG_STATE_HOME: join(home, "journals"),
    CLAIMCHECK_URL: deployment.url,
    CLAIMCHECK_KEY: deployment.key,
    CLAIMCHECK_ADMIN_TOKEN: deployment.admin,
  };
});

afterAll(endAll);

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly errors: string;
}

/** Runs a command to its end. */
function claimcheck(args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(ROOT, "cli", "bin.mjs"), ...args], { cwd: home, env: { ...env, ...more } }, (error, out, errors) =>
      resolve({ code: error === null ? 0 : Number(error.code), out, errors }),
    );
  });
}

/** Each line of a command's output as JSON. */
async function json(...args: string[]): Promise<Record<string, unknown>[]> {
  const { code, out, errors } = await claimcheck(["--json", ...args]);
  expect({ args, code, errors }).toEqual({ args, code: 0, errors: "" });
  const lines = out.split("\n").filter((line) => line !== "");
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>); // as --json prints
}

test("one inference is run, looked at, and its output is saved", async () => {
  const ran = await claimcheck(["run", SAMPLE_MODEL, '[{"image_path": "pictures/sneaker.png", "product_type": "Shoes"}]']);
  expect(ran).toMatchObject({ code: 0, errors: "" });
  expect(JSON.parse(ran.out)).toMatchObject([{ label: expect.any(String), error: null }]);

  const [submitted] = await json(
    "submit",
    SAMPLE_MODEL,
    input("one.json", '[{"image_path": "pictures/sofa.jpg", "product_type": "Sofa"}]'),
    "--no-wait",
  );
  const id = String(submitted?.["id"]);
  const [watched] = (await json("status", id, "--watch")).slice(-1);
  expect(watched).toMatchObject({ id, status: "succeeded" });
  expect((await json("logs", id, "-f")).map((line) => line["event"])).toEqual(["queued", "claimed", "succeeded"]);
  const [saved] = await json("results", id, "-o", "outputs");
  expect(JSON.parse(readFileSync(join(home, String(saved?.["file"])), "utf8"))).toMatchObject([{ error: null }]);
  expect((await claimcheck(["cancel", id])).code).toBe(5);
});

test("the output of one is saved where it is asked for, and a stream is printed", async () => {
  const saved = await claimcheck([
    "run",
    SAMPLE_MODEL,
    '[{"image_path": "pictures/sneaker.png", "product_type": "Shoes"}]',
    "-o",
    "one.json",
  ]);
  expect(saved).toMatchObject({ code: 0, errors: "" });
  expect(saved.out).toMatch(/^one\.json {2}[\d.]+ (?:B|KiB)\n$/);
  expect(JSON.parse(readFileSync(join(home, "one.json"), "utf8"))).toMatchObject([{ error: null }]);
  const input_ = [{ image_path: "pictures/sneaker.png", product_type: "Shoes" }];
  const answer = await fetch(`${deployment.url}/v1/inferences`, {
    method: "POST",
    headers: { Authorization: `Bearer ${deployment.key}`, "Content-Type": "application/json" },
    body: JSON.stringify({ model: SAMPLE_MODEL, input: input_, stream: true }),
  });
  const { id } = (await answer.json()) as { id: string };
  const streamed = await claimcheck(["stream", id]);
  expect({ ...streamed, out: JSON.parse(streamed.out) as unknown }).toMatchObject({ code: 0, errors: "", out: [{ error: null }] });
  expect(await claimcheck(["stream", id, "--after", "x"])).toMatchObject({ code: 5, errors: expect.stringContaining('and is "x"') });
});

test("each of several outputs has a file of its own", async () => {
  const lines = ["sneaker.png", "sofa.jpg"].map((file) => JSON.stringify([{ image_path: `pictures/${file}`, product_type: "Shoes" }]));
  const saved = await json("submit", SAMPLE_MODEL, input("several.jsonl", lines.join("\n")), "-o", "several");
  expect(saved.map(({ files }) => files)).toEqual([[join("several", "several-1.json")], [join("several", "several-2.json")]]);
  const [first, second] = ["1", "2"].map((line) => readFileSync(join(home, "several", `several-${line}.json`), "utf8"));
  expect(first).not.toBe(second);
});

test("the operator makes an account, a key, a model and a backend, and sees why one is not ready", async () => {
  const [account] = await json("accounts", "create", "--name", "Shop");
  const [key] = await json("keys", "create", "--account-id", String(account?.["id"]), "--scopes", "read,submit");
  expect(key?.["key"]).toMatch(/^ck_/);
  await json("models", "create", "--name", "nowhere");
  const added = await claimcheck(["backends", "add", "--model", "nowhere", "--server", "http://127.0.0.1:9", "--protocol", "http"]);
  expect(added).toMatchObject({ code: 1, out: expect.stringContaining("not ready") });
  const [backend] = await json("backends", "list", "--model", "nowhere");
  const [drained] = await json("backends", "drain", String(backend?.["id"]));
  expect(drained).toMatchObject({ state: "draining" });
  await json("models", "create", "--name", "versioned", "--versions", "1,2");
  const made = ["--model", "versioned", "--model-version", "1", "--server", "http://127.0.0.1:9", "--protocol", "http"];
  expect((await claimcheck(["backends", "create", ...made, "--set", '{"state": "paused"}'])).code).toBe(1); // it is not ready
  expect(await json("backends", "list", "--model", "versioned")).toMatchObject([{ version: "1", state: "paused" }]);
  const [rotated] = await json("keys", "rotate", String(key?.["id"]), "--overlap-seconds", "3600");
  expect(rotated).toMatchObject({ key: expect.stringMatching(/^ck_/), scopes: ["read", "submit"], previous: { id: key?.["id"] } });
  expect((await claimcheck(["list"], { CLAIMCHECK_KEY: String(rotated?.["key"]) })).code).toBe(0);
  const again = await claimcheck(["keys", "rotate", String(key?.["id"])]); // which has an end since it was rotated
  expect(again.errors).toMatch(/The one before ends at (\S+)\. It ends itself at \1, as the one before would have\./);
  const revoked = await claimcheck(["keys", "revoke", String(key?.["id"])]);
  expect(revoked.code).toBe(0);
  expect((await claimcheck(["list"], { CLAIMCHECK_KEY: String(key?.["key"]) })).code).toBe(3);
});

test("what was used is shown by one thing or by several", async () => {
  await claimcheck(["run", SAMPLE_MODEL, '[{"image_path": "pictures/sneaker.png", "product_type": "Shoes"}]']);
  const [used] = await json("usage", "--by", "day,model");
  expect(used).toMatchObject({ data: [{ day: expect.any(String), model: SAMPLE_MODEL }] });
  expect((await json("usage", "--by", "day", "--by", "model"))[0]).toEqual(used);
  const shown = await claimcheck(["usage", "--by", "model"]);
  expect(shown.out).toMatch(/model +succeeded +failed +canceled +expired/);
});

test("doctor says what is wrong, and the cure", async () => {
  const { code, out } = await claimcheck(["doctor"]);
  expect(code).toBe(0);
  for (const part of ["address", "key", "database", "migrations", "storage", "queue"])
    expect(out).toMatch(new RegExp(`^ok +${part}: `, "m"));
  expect(out).toContain("PUBLIC_URL");
  const away = await claimcheck(["doctor", "--url", "http://127.0.0.1:9"]);
  expect(away).toMatchObject({ code: 1, out: expect.stringContaining("does not answer") });
  const wrong = await claimcheck(["doctor", "--key", "ck_nope", "--admin-token", "nope"]);
  expect(wrong.code).toBe(1);
  expect(wrong.out).toMatch(/FAILED +key: .*\n +-> Make another one/);
});

test.each<[what: string, args: string[], code: number, says: RegExp]>([
  ["a command that there is not", ["nope"], 2, /unknown command 'nope'/],
  ["a file that there is not", ["submit", SAMPLE_MODEL, "nope.json"], 2, /There is no file nope\.json/],
  ["an input that is not JSON", ["run", SAMPLE_MODEL, "{"], 2, /the input is not JSON/],
  ["a picture without a place in the input", ["submit", SAMPLE_MODEL, "state/pictures/sofa.jpg"], 2, /Say with --input/],
  ["a sum by what there is not", ["usage", "--by", "day,modle"], 2, /Allowed choices are day, model, key/],
  ["a redrive of one that is only to be counted", ["redrive", NOBODYS, "--dry-run"], 2, /Pass ids or a filter, not both/],
  ["a redrive of one and of those of a filter", ["redrive", NOBODYS, "--model", "a"], 2, /Pass ids or a filter, not both/],
  ["a cancel of nothing", ["cancel", "--dry-run"], 2, /Pass ids, or a filter/],
  ["a filter beside its option", ["cancel", "--status", "queued", "--filter", "status=in_progress"], 2, /"status" is given twice/],
  ["a filter that is given twice", ["list", "--filter", "model=a", "--filter", "model=b"], 2, /"model" is given twice/],
  ["a filter that no metadata can have", ["cancel", "--model", "a", "--filter", "metadata[__proto__]=1"], 5, /__proto__/],
  [
    "an output that has no place",
    ["run", SAMPLE_MODEL, "[]", "-o", "no/where.json"],
    2,
    /no\/where\.json can't be written: there is no such file or folder/,
  ],
  [
    "an input in a file that there is not",
    ["run", SAMPLE_MODEL, "@nope.json"],
    2,
    /nope\.json can't be read: there is no such file or folder/,
  ],
  ["an output in the place of a folder", ["run", SAMPLE_MODEL, "[]", "-o", "."], 2, /\. can't be written: it is a folder/],
  ["outputs in the place of a file", ["results", NOBODYS, "-o", "state/worker.log"], 2, /can't be written: there is a file in its place/],
  ["an unknown model", ["run", "nope", "{}"], 4, /There is no model "nope"/],
  ["a wrong key", ["list", "--key", "ck_nope"], 3, /The API key is not valid/],
  ["an inference that fails", ["run", SAMPLE_MODEL, '{"a": 1}'], 1, /is failed: backend_rejected/],
  [
    "a deployment that does not answer",
    ["accounts", "create", "--name", "a", "--url", "http://127.0.0.1:9", "--admin-token", "t"],
    6,
    /does not answer/,
  ],
])("%s ends with its own code and says why", async (_what, args, code, says) => {
  const ran = await claimcheck(args);
  expect(ran).toMatchObject({ code, errors: expect.stringMatching(says) });
});

test("login keeps the address and the key where only the user can read them", async () => {
  const none = { CLAIMCHECK_URL: "", CLAIMCHECK_KEY: "", CLAIMCHECK_ADMIN_TOKEN: "" };
  expect((await claimcheck(["list"], none)).code).toBe(2);
  expect((await claimcheck(["login", "--url", deployment.url, "--key", "ck_nope"], none)).code).toBe(3);
  expect((await claimcheck(["login", "--url", deployment.url, "--key", deployment.key], none)).code).toBe(0);
  expect((await claimcheck(["list", "--json"], none)).code).toBe(0);
  // A key that was kept for one deployment is not sent to another.
  expect((await claimcheck(["list", "--url", "http://127.0.0.1:9"], none)).errors).toContain("No key is named");
  expect((await claimcheck(["logout"], none)).code).toBe(0);
  expect((await claimcheck(["list"], none)).code).toBe(2);
});

test(`${PICTURES} pictures, interrupted and begun again, are submitted once each`, async () => {
  const pictures = join(home, "many");
  mkdirSync(pictures);
  for (let number = 0; number < PICTURES; number++) cpSync(join(home, "state", "pictures", "sneaker.png"), join(pictures, `${number}.png`));
  const args = ["--json", "submit", SAMPLE_MODEL, "many/*.png", "--input", INPUT, "--metadata", "batch=many", "-o", "colours"];
  const child = spawn(process.execPath, [join(ROOT, "cli", "bin.mjs"), ...args], { cwd: home, env, stdio: ["ignore", "pipe", "pipe"] });
  const journals = join(home, "journals", "claimcheck");
  await expect.poll(() => noted(journals), { timeout: 20_000 }).toBeGreaterThan(20);
  child.kill("SIGINT");
  const [code] = (await once(child, "close")) as [number]; // as documented for the event
  expect(code).toBe(130);
  const before = noted(journals);
  expect(before).toBeLessThan(PICTURES);

  const again = await claimcheck(args);
  expect(again).toMatchObject({ code: 0, errors: expect.stringContaining(`of ${PICTURES} were submitted before; going on.`) });
  expect(again.out.split("\n").filter((line) => line.includes('"status":"succeeded"'))).toHaveLength(PICTURES);
  expect(readdirSync(join(home, "colours"))).toHaveLength(PICTURES);
  expect(noted(journals)).toBe(0);
  const all = await json("list", "--filter", "metadata[batch]=many", "-n", "1000");
  expect(all).toHaveLength(PICTURES);
});

test("a run that is interrupted says how to go on", async () => {
  await deployment.operator("POST", "/models", { name: "nobody" });
  const child = spawn(process.execPath, [join(ROOT, "cli", "bin.mjs"), "run", "nobody", "1"], {
    cwd: home,
    env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  await until(
    () => json("list", "--model", "nobody"),
    (rows) => rows.length > 0,
  );
  const [submitted] = await json("list", "--model", "nobody"); // by now its answer has come through too
  child.kill("SIGINT");
  expect(((await once(child, "close")) as [number])[0]).toBe(130); // as documented for the event
  expect(said).toContain(`claimcheck status ${String(submitted?.["id"])} --watch`);
});

/** What a shell offers for the last of the words, by calling the function as the shell does. */
const COMPLETIONS: Readonly<Record<string, string>> = {
  bash: 'eval "$SCRIPT"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _claimcheck; echo "${COMPREPLY[*]}"',
  zsh: `compdef() {}; eval "$SCRIPT"; words=("$@"); CURRENT=$#
    _describe() { print -r -- \${(M)\${known%%:*}:#$words[-1]*}; }; _claimcheck`,
};

test.each(Object.keys(COMPLETIONS))("completion in %s knows commands, their aliases and their options", async (shell) => {
  if (spawnSync(shell, ["-c", ":"]).error) return console.log(`there is no ${shell} here`);
  const { out: script } = await claimcheck(["completion", shell]);
  const completed = (...words: string[]) =>
    spawnSync(shell, ["-c", COMPLETIONS[shell] ?? "", shell, ...words], {
      encoding: "utf8",
      env: { ...env, SCRIPT: script },
    }).stdout.trim();
  expect(completed("claimcheck", "lo")).toBe("logs login logout");
  expect(completed("claimcheck", "backends", "a")).toBe("add");
  expect(completed("claimcheck", "backends", "add", "--max")).toBe("--max-concurrency");
  expect(completed("claimcheck", "--json", "status", "x", "--w")).toBe("--watch");
  expect(completed("claimcheck", "models", "delete", "--j")).toBe("--json");
  expect(completed("claimcheck", "completion", "z")).toBe("zsh");
});

test("listen forwards what happens as webhooks that a local server verifies with the printed secret", async () => {
  const secret = (await claimcheck(["listen", "--print-secret"])).out.trim();
  const received: { type: string; data: { id: string; status: string } }[] = [];
  const faults: unknown[] = [];
  const receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      try {
        const headers = request.headers as Record<string, string>; // none of those that it looks at comes twice
        received.push(new Webhook(secret).verify(Buffer.concat(chunks).toString(), headers) as (typeof received)[0]); // as docs/webhooks.md has it
      } catch (error) {
        faults.push(error);
      }
      response.writeHead(204).end();
    });
  });
  const to = `${await listening(receiver)}/hooks`;
  const args = ["listen", "--forward-to", to, "--events", "inference.started,inference.succeeded", "--filter", "metadata[by]=listen"];
  const child = spawn(process.execPath, [join(ROOT, "cli", "bin.mjs"), ...args], { cwd: home, env, stdio: ["ignore", "pipe", "pipe"] });
  let [out, notes] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (notes += text));
  try {
    // Nothing says when the stream of events is open, so inferences are made until one is told of.
    const ids: string[] = [];
    await expect
      .poll(
        async () => {
          const made = await deployment.api("POST", "/v1/inferences", {
            metadata: { by: "listen" },
            model: SAMPLE_MODEL,
            input: [{ image_path: "pictures/sofa.jpg", product_type: "Sofa" }],
          });
          ids.push((made.body as { id: string }).id);
          return received.filter(({ type }) => type === "inference.succeeded").length;
        },
        { timeout: 30_000, interval: 200 },
      )
      .toBeGreaterThan(0);
    expect(faults).toEqual([]);
    const whole = received.find(({ type }) => type === "inference.succeeded");
    expect(ids).toContain(whole?.data.id);
    expect((await deployment.api("GET", `/v1/inferences/${whole?.data.id}`)).body).toEqual(whole?.data);
    expect(new Set(received.map(({ type }) => type))).toEqual(new Set(["inference.started", "inference.succeeded"]));
    expect(notes).toContain(secret);
    await expect.poll(() => out).toMatch(/inference\.succeeded +\S+ +204/);
  } finally {
    child.kill("SIGINT");
    receiver.closeAllConnections();
    receiver.close();
  }
  expect(((await once(child, "close")) as [number])[0]).toBe(0); // as documented for the event
});

describe("what README and docs show", () => {
  /** Stands for the reader's own server: ready in the way of each protocol. */
  const server = createServer((request, response) => {
    const answers: Record<string, unknown> = {
      "/v1/models": { data: [] },
      "/health-check": { status: "READY" },
      "/openapi.json": { components: { schemas: { Input: { type: "object" } } } },
    };
    response.setHeader("Content-Type", "application/json").end(JSON.stringify(answers[request.url ?? ""] ?? {}));
  });
  const python = spawnSync("python3", ["--version"]).error === undefined;

  beforeAll(async () => {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const names = ["palette", "upper", "captions"];
    for (const name of names) {
      await deployment.operator("POST", "/models", { name });
      await deployment.operator("POST", "/backends", { model: name, url: serverUrl(), protocol: "http" });
    }
  });
  afterAll(() => void server.close());

  const serverUrl = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on a port

  /**
   * A block as the reader would paste it: with an address and a key of the reader's own. Those who run the same blocks beside it have
   * another port, and other models where a name begins with "my-".
   */
  const pasted = (text: string, port = 9000, suffix = "") =>
    text
      .replaceAll(/\b9000\b/g, String(port))
      .replaceAll(/\bmy-\w+/g, (name) => `${name}${suffix}`)
      .replaceAll(/http:\/\/127\.0\.0\.1:8787|https:\/\/claimcheck\.example/g, deployment.url)
      .replaceAll(/http:\/\/127\.0\.0\.1:8000/g, serverUrl())
      .replaceAll("ck_…", deployment.key);

  /** A folder as the checkout is while `npm start` runs in it, with some files of the reader's own, and what the commands in it are. */
  function checkout(shell: string): { cwd: string; failures: string; env: NodeJS.ProcessEnv } {
    const cwd = newFolder();
    const failures = join(cwd, "failures");
    symlinkSync(deployment.folder, join(cwd, ".claimcheck"));
    symlinkSync(join(ROOT, "node_modules"), join(cwd, "node_modules"));
    symlinkSync(join(deployment.folder, "pictures"), join(cwd, "photos"));
    writeFileSync(join(cwd, "clip.mp4"), "not much of a clip");
    writeFileSync(join(cwd, "inputs.jsonl"), `${INPUT.replace("{file}", "pictures/sofa.jpg")}\n`);
    writeFileSync(join(cwd, "input.json"), INPUT.replace("{file}", "pictures/sofa.jpg"));
    const bin = join(cwd, "bin");
    mkdirSync(bin);
    // A pipe and a substitution hide how a command ended, so each notes that itself.
    const curl = spawnSync("sh", ["-c", "command -v curl"], { encoding: "utf8" }).stdout.trim();
    const commands = {
      curl: `'${curl}' --fail-with-body "$@"`,
      npx: `shift; '${process.execPath}' '${join(ROOT, "cli", "bin.mjs")}' "$@"`,
    };
    for (const [name, command] of Object.entries(commands))
      writeFileSync(
        join(bin, name),
        `#!/bin/sh\nsaid="$*"\n${command} || { code=$?; echo "$said: $code" >> '${failures}'; exit $code; }\n`,
        { mode: 0o755 },
      );
    const own = {
      URL: deployment.url,
      KEY: deployment.key,
      ADMIN_TOKEN: deployment.admin,
      XDG_STATE_HOME: join(cwd, "journals"),
      SHELL: shell,
    };
    return { cwd, failures, env: { ...env, ...own, PATH: `${bin}:${process.env["PATH"]}` } };
  }

  const inShell = DOCUMENTS.filter((file) => blocksOf(file).some((block) => isShell(block) && runs(block)));
  test.concurrent.for(inShell.flatMap((file) => SHELLS.map(([shell, isInstalled]) => [file, shell, isInstalled] as const)))(
    "in %s does what it says in %s, block after block",
    async ([file, shell, isInstalled], { skip }) => {
      skip(!isInstalled, `${shell} is not installed`);
      const blocks = blocksOf(file).filter((block) => (isShell(block) && runs(block)) || block.how === "answer");
      const { cwd, failures, env: own } = checkout(shell);
      const port = await freePort("127.0.0.1");
      // After a block that has its answer below it stands a separator, so what that block printed last can be found.
      const script = blocks.map((block) => {
        if (!isShell(block)) return "printf '\\036'\n";
        const text = pasted(block.text, port, `-${shell}`);
        return block.how === "stays" ? `{\n${text}} >/dev/null &\n${untilItListens(port)}` : text;
      });
      const child = spawn(shell, ["-eu"], { cwd, env: own, stdio: ["pipe", "pipe", "pipe"], detached: true });
      child.once("exit", () => endGroup(child));
      let [out, errors] = ["", ""];
      child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
      child.stderr.setEncoding("utf8").on("data", (text: string) => (errors += text));
      child.stdin.end(script.join("\n"));
      const [code] = (await once(child, "close")) as [number]; // as documented for the event
      const failed = existsSync(failures) ? readFileSync(failures, "utf8") : "";
      expect({ code, failed }, `${out}\n${errors}`).toEqual({ code: 0, failed: "" });
      const answers = blocks.filter(({ how }) => how === "answer");
      for (const [index, answer] of answers.entries()) {
        expect(shapeOf(lastJsonIn(out.split("\u001e")[index] ?? "")), `${file}:${answer.line}`).toMatchObject(
          shapeOf(JSON.parse(answer.text)) as object,
        );
      }
    },
  );

  test.runIf(python)("in Python does what it says in each document, block after block", async () => {
    const driver = `
import ast, asyncio, inspect, json, os, sys
names = {"asyncio": asyncio, "items": [{"image_path": "pictures/sneaker.png", "product_type": "Shoes"}]}
async def main():
    for at, text in json.load(sys.stdin):
        try:
            done = eval(compile(text, at, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
            if inspect.iscoroutine(done): await done
        except Exception as error:
            raise SystemExit(f"{at}: {type(error).__name__}: {error}")
asyncio.run(main())`;
    for (const file of DOCUMENTS) {
      const blocks = blocksOf(file).filter((block) => block.language === "python" && runs(block));
      if (blocks.length === 0) continue;
      const { cwd, env: own } = checkout("sh");
      const child = spawn("python3", ["-c", driver], {
        cwd,
        env: { ...own, PYTHONPATH: join(ROOT, "client", "python"), PYTHONDONTWRITEBYTECODE: "1" },
      });
      let said = "";
      child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
      child.stdin.end(JSON.stringify(blocks.map((block) => [`${file}:${block.line}`, pasted(block.text)])));
      const [code] = (await once(child, "close")) as [number]; // as documented for the event
      expect({ file, code, said }).toEqual({ file, code: 0, said: "" });
    }
  });
});

/** The value that comes last in a text, which no line may separate from what was printed before it. */
function lastJsonIn(text: string): unknown {
  for (const { index } of text.matchAll(/[[{]/g)) {
    try {
      return JSON.parse(text.slice(index));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error; // it ends before the text does
    }
  }
  throw new Error(`there is no JSON at the end of ${text}`);
}

/** Members whose values are words of ours or of a vendor, and the same each time. */
const WORDS = new Set(["status", "outcome", "object", "finish_reason", "status_code"]);

/** A value with its texts and numbers replaced by what they are, where they may differ; of a list its first element. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])];
  if (typeof value === "boolean") return value;
  if (typeof value !== "object" || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, WORDS.has(name) ? member : shapeOf(member)]));
}

/** A command that ends when a server takes connections at the port. */
function untilItListens(port: number): string {
  const look = `require("node:net").connect(${port}, "127.0.0.1").on("connect", () => process.exit(0)).on("error", () => setTimeout(look, 50))`;
  return `'${process.execPath}' -e 'function look() { ${look} } look()'\n`;
}

/** Ends what a shell left running in its group, such as a server that a block has started. */
function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error; // nothing was left
  }
}

/** How many inferences a journal has noted. */
function noted(folder: string): number {
  if (!existsSync(folder)) return 0;
  const lines = readdirSync(folder).flatMap((file) => readFileSync(join(folder, file), "utf8").split("\n"));
  return lines.filter((line) => line.includes('"id"')).length;
}

function input(name: string, text: string): string {
  writeFileSync(join(home, name), text);
  return name;
}

test("what failed is counted and queued again by filter, and what can't be is told by its reason", async () => {
  const refusing = createServer((request, response) => void request.resume().on("end", () => response.writeHead(400).end("no")));
  const url = await listening(refusing);
  await json("models", "create", "--name", "refusing");
  const [backend] = await json("backends", "create", "--model", "refusing", "--server", url, "--protocol", "http");
  const failed = () => json("list", "--model", "refusing", "--status", "failed");
  for (let sent = 0; sent < 2; sent++) expect((await claimcheck(["run", "refusing", "{}"])).code).toBe(1);
  const filter = ["redrive", "--model", "refusing"];
  expect(await json(...filter, "--dry-run")).toMatchObject([{ dry_run: true, matched: 2, refused: [] }]);
  const asAccount = await claimcheck([...filter, "--filter", "error_code=backend_rejected"], { CLAIMCHECK_ADMIN_TOKEN: "" });
  expect(asAccount.out).toMatch(/^2 were queued again \(of \d+ looked at\)\n$/);
  await until(failed, (rows) => rows.length === 2);
  expect((await claimcheck(filter)).out).toMatch(/^2 were queued again \(of \d+ looked at\)\n$/);
  await until(failed, (rows) => rows.length === 2);
  await json("backends", "delete", String(backend?.["id"]));
  await json("models", "delete", "refusing");
  expect((await claimcheck(filter)).out).toMatch(/^0 were queued again \(of \d+ looked at\)\n2 can't be: model_not_found\n$/);
  refusing.close();
});

test("what is open is counted and canceled by filter", async () => {
  await json("models", "create", "--name", "nobody-serves");
  const submit = ["submit", "nobody-serves", input("open.json", "{}"), "--no-wait", "--metadata"];
  await json(...submit, "order=1");
  await json(...submit, "order=2");
  const filter = ["cancel", "--model", "nobody-serves", "--filter", "metadata[order]=1"];
  expect(await json(...filter, "--dry-run")).toMatchObject([{ dry_run: true, matched: 1 }]);
  expect((await claimcheck(filter)).out).toMatch(/^1 was canceled \(of \d+ looked at\)\n$/);
  const account = deployment.key.slice(3, 15);
  const asOperator = await json("cancel", "--account-id", account, "--model", "nobody-serves", "--dry-run");
  expect(asOperator).toMatchObject([{ dry_run: true, matched: 1 }]);
  const rows = await json("list", "--model", "nobody-serves");
  expect(rows.map(({ status, metadata }) => [status, metadata])).toEqual([
    ["queued", { order: "2" }],
    ["canceled", { order: "1" }],
  ]);
});
