/** The state folder of an embedded runtime: its owner's alone, and its log bounded. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { LogFile } from "../../src/local/log-file.ts";
import { settingsFor } from "../../src/local/settings.ts";
import { State } from "../../src/local/state.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "claimcheck-state-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const modeOf = (path: string) => statSync(path).mode & 0o777;

test("the folder can be read by its owner alone, also one that was there", () => {
  const [made, found] = [join(folder, "made"), join(folder, "found")];
  mkdirSync(found);
  chmodSync(found, 0o755);
  expect([made, found].map((path) => modeOf(new State(path).folder))).toEqual([0o700, 0o700]);
  new State(made).secrets();
  expect(modeOf(join(made, "secrets.json"))).toBe(0o600);
});

test("a folder of other files is refused, and stays as it is", () => {
  writeFileSync(join(folder, "notes.txt"), "somebody's");
  chmodSync(folder, 0o755);
  expect(() => new State(folder)).toThrow(`${folder} has other files in it, and none of Claimcheck's.`);
  expect([modeOf(folder), readdirSync(folder)]).toEqual([0o755, ["notes.txt"]]);
  new State(join(folder, "made")).lock();
  expect(new State(join(folder, "made")).folder).toBe(join(folder, "made"));
});

test("the admin token that is made has the length that is demanded", () => {
  expect(new State(folder).secrets().adminToken.length).toBeGreaterThanOrEqual(32);
});

test("credentials are there only once a start has come to its end, and none are left of the last run", () => {
  const state = new State(folder);
  const file = join(folder, "credentials.json");
  state.lock();
  state.secrets();
  state.writeCredentials({ url: "http://127.0.0.1:1", key: "k", admin_token: "t" });
  expect([existsSync(file), modeOf(file)]).toEqual([true, 0o600]);
  state.unlock();
  new State(folder).lock();
  expect(existsSync(file)).toBe(false);
});

test("the log has a line with its time for each event, and is its owner's alone, also one that was there", () => {
  const path = join(folder, "worker.log");
  writeFileSync(path, "before\n", { mode: 0o644 });
  const log = new LogFile(path);
  log.write('{"event":"one"}');
  log.write("error two");
  log.end();
  const lines = readFileSync(path, "utf8").split("\n");
  expect(lines.map((line) => line.replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z /, "TIME "))).toEqual([
    "before",
    'TIME {"event":"one"}',
    "TIME error two",
    "",
  ]);
  expect(modeOf(path)).toBe(0o600);
  const made = join(folder, "made.log");
  new LogFile(made).end();
  expect(modeOf(made)).toBe(0o600);
});

test("the log never has more than two files of its size", () => {
  const path = join(folder, "worker.log");
  const log = new LogFile(path, 1_000);
  for (let count = 0; count < 200; count++) log.write(`line ${count}`);
  log.end();
  expect(readdirSync(folder).toSorted()).toEqual(["worker.log", "worker.log.1"]);
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).size).toBeLessThanOrEqual(1_000);
  expect(readFileSync(path, "utf8")).toContain("line 199");
});

test("settings and credentials of backends come from the environment, else from .dev.vars, and nothing else does", () => {
  const config = join(folder, "wrangler.toml");
  writeFileSync(config, 'name = "a"');
  writeFileSync(
    join(folder, ".dev.vars"),
    "BACKEND_GPU=from-file\nBACKEND_TTS=from-file\nPUBLIC_URL=https://a.example\nKEY_SECRET=from-file\n",
  );
  const environment = { BACKEND_GPU: "from-environment", KEY_SECRET_PREVIOUS: "before", HOME: "/root", ADMIN_TOKEN: "token" };
  expect(settingsFor(config, environment)).toEqual({
    BACKEND_GPU: "from-environment",
    BACKEND_TTS: "from-file",
    PUBLIC_URL: "https://a.example",
    KEY_SECRET_PREVIOUS: "before",
  });
});
