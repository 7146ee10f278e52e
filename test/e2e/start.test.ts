/** `npm start`'s program from outside: what it prints, what it leaves on disk, and how it begins and ends. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "../../src/local/runtime.ts";
import { type Deployment, ROOT, ask, deploy, endAll, launch, newFolder, signalGroup, until } from "../support/deployment.ts";
import { startGpu } from "../support/gpu.ts";

afterAll(endAll);

const SAMPLE = "color-classification";

/** The lines that the program tells a user to paste. */
function linesToPaste(output: string): string[] {
  const [, after = ""] = output.split(/^Paste .*$/m);
  const [block = ""] = after.split(/^\S/m);
  // A line that ends in a backslash goes on in the next.
  return block
    .replaceAll("\\\n", "\\\0")
    .split("\n")
    .map((line) => line.trim().replaceAll("\\\0", "\\\n"))
    .filter((line) => line !== "");
}

/** A shell that is given one line after the other, as by somebody who pastes. */
class Shell {
  readonly #child = spawn("bash", ["--noprofile", "--norc"], { stdio: ["pipe", "pipe", "pipe"] });
  #output = "";
  #lines = 0;

  constructor() {
    this.#child.stdout.setEncoding("utf8").on("data", (text: string) => (this.#output += text));
    this.#child.stderr.setEncoding("utf8").on("data", (text: string) => (this.#output += text));
  }

  /** What the line prints. */
  async paste(line: string): Promise<string> {
    const end = `end-of-line-${++this.#lines}`;
    this.#child.stdin.write(`${line}\necho ${end}\n`);
    const output = await until(
      async () => this.#output,
      (text) => text.includes(end),
      20,
      20,
    );
    this.#output = "";
    return output.replace(end, "").trim();
  }

  async end(): Promise<void> {
    const exited = once(this.#child, "exit");
    this.#child.stdin.end();
    await exited;
  }
}

describe("a running deployment", () => {
  let deployment: Deployment;

  beforeAll(async () => {
    deployment = await deploy({ folder: newFolder() });
  });

  test("answers where it says it does", async () => {
    expect(deployment.output()).toContain(deployment.url);
    expect((await fetch(`${deployment.url}/healthz`)).status).toBe(200);
    expect(await deployment.api("GET", "/v1/models")).toMatchObject({ status: 200, text: expect.stringContaining(SAMPLE) });
  });

  test("takes a model's progress without any setting, where its call says", async () => {
    const told: number[] = [];
    const model = createServer((request, response) => {
      const url = String(request.headers["claimcheck-progress-url"]);
      const said = { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"progress":0.5,"logs":["half"]}' };
      request.resume().on("end", () => {
        void fetch(url, said)
          .then(({ status }) => told.push(status))
          .finally(() => response.setHeader("Content-Type", "application/json").end('{"done":true}'));
      });
    }).listen(0, "127.0.0.1");
    await once(model, "listening");
    const { port } = model.address() as AddressInfo; // of a server on a port
    await deployment.operator("POST", "/models", { name: "speaker" });
    await deployment.operator("POST", "/backends", { model: "speaker", protocol: "http", url: `http://127.0.0.1:${port}` });
    const { body } = await deployment.api("POST", "/v1/inferences", { model: "speaker", input: 1 }, { Prefer: "wait=20" });
    model.close();
    expect([body, told]).toMatchObject([{ status: "succeeded" }, [expect.toSatisfy((status: number) => status < 300)]]);
  });

  test("leaves the address, a key and the admin token in credentials.json, for its owner's eyes only", async () => {
    const file = join(deployment.folder, "credentials.json");
    expect((statSync(file).mode & 0o777).toString(8)).toBe("600");
    const credentials: Record<string, string> = JSON.parse(readFileSync(file, "utf8"));
    expect(Object.keys(credentials).toSorted()).toEqual(["admin_token", "key", "url"]);
    expect(credentials["url"]).toBe(deployment.url);
    expect((await ask(deployment.url, String(credentials["key"]), "GET", "/v1/models")).status).toBe(200);
    expect((await ask(deployment.url, String(credentials["admin_token"]), "GET", "/admin/v1/accounts")).status).toBe(200);
  });

  test("leaves no file with a secret in it open to others", () => {
    const secrets = [deployment.key, deployment.admin];
    const holders = readdirSync(deployment.folder)
      .map((name) => join(deployment.folder, name))
      .filter((path) => statSync(path).isFile())
      .filter((path) => secrets.some((secret) => readFileSync(path, "utf8").includes(secret)));
    expect(holders).not.toEqual([]);
    expect(holders.filter((path) => (statSync(path).mode & 0o077) !== 0)).toEqual([]);
  });

  test("prints lines that take a picture from submit to results when they are pasted into bash", async () => {
    const [key = "", submit = "", status = "", results = "", ...more] = linesToPaste(deployment.output());
    expect(more).toEqual([]);
    const shell = new Shell();
    expect(await shell.paste(key)).toBe("");
    const id = await shell.paste(submit);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    const last = await until(
      () => shell.paste(status),
      (text) => !text.includes("in_progress"),
    );
    expect(JSON.parse(last)).toMatchObject({ id, status: "completed", model: SAMPLE, response_code: "200", response_item_count: "1" });
    const items: Record<string, unknown>[] = JSON.parse(await shell.paste(results));
    expect(items).toHaveLength(1);
    expect(items[0]).toMatchObject({ error: null, label: expect.stringMatching(/./) });
    await shell.end();
  });

  test("keeps the port from a second one, which says so and ends", async () => {
    const second = launch(["--port", String(deployment.port), "--state", newFolder()]);
    expect(await second.exited).toEqual({ code: 1, signal: null });
    expect(second.output()).toContain(`Port ${deployment.port}`);
    expect(second.output()).toContain("taken");
    expect(second.output()).toContain("--port");
    expect(second.output()).not.toMatch(/^\s+at /m);
    expect((await deployment.api("GET", "/v1/models")).status).toBe(200);
  });

  test.each([
    ["a host that is none of this machine's", () => ["--host", "300.1.1.1"], /^300\.1\.1\.1 is no address of this machine\. .*--host/m],
    [
      "a state folder where a file is",
      () => ["--state", join(deployment.folder, "secrets.json")],
      /^The state folder can't be made: .*--state/m,
    ],
  ])("says in a line why it does not start with %s", async (_what, args, says) => {
    const port = String(await freePort("127.0.0.1"));
    const second = launch(["--port", port, "--state", newFolder(), ...args()]);
    expect(await second.exited).toEqual({ code: 1, signal: null });
    expect(second.output()).toMatch(says);
    expect(second.output()).not.toMatch(/^\s+at /m);
  });

  test("keeps its state folder from a second one, which says so, ends, and changes nothing", async () => {
    const files = ["credentials.json", "lock", "secrets.json", "setup.json"].map((name) => join(deployment.folder, name));
    const before = files.map((file) => readFileSync(file, "utf8"));
    for (let count = 0; count < 2; count++) {
      const second = launch(["--port", String(await freePort("127.0.0.1")), "--state", deployment.folder]);
      expect(await second.exited).toEqual({ code: 1, signal: null });
      expect(second.output()).toContain(deployment.folder);
      expect(second.output()).toContain("in use");
      expect(second.output()).toContain("--state");
      expect(second.output()).not.toMatch(/^\s+at /m);
    }
    expect(files.map((file) => readFileSync(file, "utf8"))).toEqual(before);
    expect((await deployment.api("GET", "/v1/models")).status).toBe(200);
  });

  test("runs beside another one of its own port and state, and neither knows the other's key", async () => {
    const other = await deploy({ folder: newFolder() });
    expect((await other.api("GET", "/v1/models")).status).toBe(200);
    expect((await deployment.api("GET", "/v1/models")).status).toBe(200);
    expect((await ask(other.url, deployment.key, "GET", "/v1/models")).status).toBe(401);
    expect((await ask(deployment.url, other.key, "GET", "/v1/models")).status).toBe(401);
    expect(await other.interrupt()).toEqual({ code: 0, signal: null });
    expect((await deployment.api("GET", "/v1/models")).status).toBe(200);
  });
});

describe("options that make no sense", () => {
  test.concurrent.each(["--port=0", "--port=70000", "--port=web", "--prot=8787", "extra"])(
    "such as %s are answered with the usage",
    async (option) => {
      const program = launch([option, "--state", newFolder()]);
      expect(await program.exited).toEqual({ code: 1, signal: null });
      expect(program.output()).toContain("Usage: npm start");
      expect(program.output()).not.toMatch(/^\s+at /m);
    },
  );
});

describe("Ctrl-C", () => {
  test("stops it all with exit code 0, and nothing of it is left running", async () => {
    const deployment = await deploy({ folder: newFolder() });
    expect(deployment.running().some((command) => command.includes("workerd"))).toBe(true);
    expect(await deployment.interrupt()).toEqual({ code: 0, signal: null });
    const left = await until(
      async () => deployment.running(),
      (processes) => processes.length === 0,
      5,
    );
    expect(left).toEqual([]);
    expect(deployment.output()).toContain("Stopped");
    expect(existsSync(join(deployment.folder, "lock"))).toBe(false);
    await expect(fetch(`${deployment.url}/healthz`)).rejects.toThrow("fetch failed");
  });

  test.each(["SIGINT", "SIGTERM"] as const)("is no different from a %s to the program alone", async (signal) => {
    const deployment = await deploy({ folder: newFolder() });
    process.kill(deployment.pid, signal);
    const left = await until(
      async () => deployment.running(),
      (processes) => processes.length === 0,
      10,
    );
    expect(left).toEqual([]);
    expect(deployment.output()).toContain("Stopped");
  });
});

test("an end of npm, which passes no signal on, ends the program that it has started", async () => {
  const folder = newFolder();
  const port = await freePort("127.0.0.1");
  const command = `"$0" src/local/start.ts --port ${port} --state "$1"; true`; // as npm has a shell run it
  const env = { ...process.env, npm_lifecycle_event: "start" };
  const shell = spawn("sh", ["-c", command, process.execPath, folder], { cwd: ROOT, env, stdio: "ignore", detached: true });
  try {
    const isThere = async (name: string) => existsSync(join(folder, name));
    expect(await until(() => isThere("credentials.json"), Boolean, 60)).toBe(true);
    shell.kill("SIGTERM");
    expect(
      await until(
        () => isThere("lock"),
        (there) => !there,
        20,
      ),
    ).toBe(false); // taken away at the end of a stop
    await expect(fetch(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow("fetch failed");
  } finally {
    if (shell.pid !== undefined) signalGroup(shell.pid, "SIGKILL");
  }
});

describe("a stop and a start on the same state", () => {
  test("keep keys, models, backends and results, and wait for none of them", async () => {
    const folder = newFolder();
    const gpu = await startGpu();
    const first = await deploy({ folder });
    const account = await first.operator("POST", "/accounts", { name: "Second" });
    const { key } = await first.operator("POST", "/keys", { account_id: account["id"], name: "Its key" });
    await first.operator("POST", "/models", { name: "kept", versions: ["1", "2"] });
    await first.operator("POST", "/backends", { model: "kept", url: gpu.url, protocol: "oip" });
    const submitted = await ask(first.url, String(key), "POST", "/v1/inferences", { model: "kept", input: { n: [1, 2, 3] } });
    expect(submitted.status).toBe(202);
    const { id } = submitted.body as { id: string };
    const path = `/v1/inferences/${id}`;
    const shown = await until(
      () => ask(first.url, String(key), "GET", path),
      ({ text }) => text.includes('"is_final":true'),
    );
    expect(shown.body).toMatchObject({ status: "succeeded", output: { n: [1, 2, 3] } });
    const result = await ask(first.url, String(key), "GET", `${path}/result`);
    const [models, backends] = await Promise.all([first.operator("GET", "/models"), first.operator("GET", "/backends?model=kept")]);
    expect(await first.interrupt()).toEqual({ code: 0, signal: null });

    const second = await deploy({ folder, port: first.port });
    expect(second.key).toBe(first.key);
    expect(second.admin).toBe(first.admin);
    expect(await ask(second.url, String(key), "GET", path)).toMatchObject({ status: 200, body: shown.body });
    expect(await ask(second.url, String(key), "GET", `${path}/result`)).toMatchObject({ status: 200, text: result.text });
    expect(await second.operator("GET", "/models")).toEqual(models);
    expect(await second.operator("GET", "/backends?model=kept")).toEqual(backends);
    expect((await second.api("GET", path)).status).toBe(404);
    const again = await ask(second.url, String(key), "POST", "/v1/inferences", { model: "kept", input: { n: [4] } });
    expect(again.status).toBe(202);
    expect(await second.interrupt()).toEqual({ code: 0, signal: null });
    await gpu.close();
  });
});
