/** Python packages and programs: each in an environment of its own under `field/.envs`, made when it is first needed. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { freePort } from "../src/local/runtime.ts";

const HERE = import.meta.dirname;
const START_SECONDS = 90;

/** Installs these packages, pinned, and returns the environment's Python; null with the reason if they can't be had here. */
export function pythonWith(
  name: string,
  packages: readonly string[],
  build: Readonly<Record<string, string>> = {},
): { python: string } | { reason: string } {
  const folder = join(HERE, ".envs", name);
  const python = join(folder, "bin", "python");
  const stamp = join(folder, "installed");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === packages.join(" ")) return { python };
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  console.log(`  installing ${packages.join(" ")} …`);
  for (const [command, ...args] of [
    ["python3", "-m", "venv", folder],
    [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", ...packages],
  ] as const) {
    const { status, stderr, error } = spawnSync(command, args, { encoding: "utf8", env: { ...process.env, ...build } });
    if (status !== 0) return { reason: error?.message ?? stderr.trim().split("\n").at(-1) ?? "the installation failed" };
  }
  writeFileSync(stamp, packages.join(" "));
  return { python };
}

/** What a sample server has noted of its calls. */
export interface Noted {
  readonly event: "began" | "tick" | "ended" | "failed" | "stopped";
  /** In ms since 1970. */
  readonly at: number;
  readonly text: string;
}

/** A server of the field, running. */
export class Program {
  readonly #python: string;
  readonly #file: string;
  readonly #log: string;
  readonly #output: string;
  readonly port: number;
  #child: ChildProcess | null = null;

  private constructor(python: string, file: string, port: number, folder: string) {
    this.#python = python;
    this.#file = file;
    this.port = port;
    this.#log = join(folder, "noted.jsonl");
    this.#output = join(folder, "output.log");
    writeFileSync(this.#log, "");
  }

  /** Starts it and waits until `ready` answers below 500. Throws with the end of its output if it never does. */
  static async start(python: string, file: string, folder: string, ready: string): Promise<Program> {
    mkdirSync(folder, { recursive: true });
    const program = new Program(python, file, await freePort("127.0.0.1"), folder);
    await program.again(ready);
    return program;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts it once more, on the same port. */
  async again(ready: string): Promise<void> {
    const output = openSync(this.#output, "a");
    this.#child = spawn(this.#python, [join(HERE, "servers", this.#file)], {
      cwd: join(HERE, "servers"),
      env: { ...process.env, PORT: String(this.port), FIELD_LOG: this.#log },
      stdio: ["ignore", output, output],
      detached: true,
    });
    const end = Date.now() + START_SECONDS * 1000;
    while (Date.now() < end) {
      const answer = await fetch(this.url + ready).catch(() => null);
      const text = (await answer?.text()) ?? "";
      if (answer && answer.status < 400 && !text.includes("STARTING")) return;
      if (this.#child.exitCode !== null) break;
      await wait(200);
    }
    this.kill();
    throw new Error(`${this.#file} did not get ready: ${readFileSync(this.#output, "utf8").slice(-600)}`);
  }

  /** Ends it and all that it has started, in whatever process groups, without a word. */
  kill(): void {
    const root = this.#child?.pid;
    if (root === undefined) return;
    for (const pid of [root, ...descendantsOf(root)]) {
      try {
        process.kill(pid, "SIGKILL");
      } catch (error) {
        if (!(error instanceof Error) || !("code" in error) || error.code !== "ESRCH") throw error; // it has ended by itself
      }
    }
    this.#child = null;
  }

  /** What it noted of the calls with this text. */
  noted(text: string): Noted[] {
    return readFileSync(this.#log, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as { event: Noted["event"]; at: number; text: string }) // written by servers/work.py
      .filter((noted) => noted.text === text)
      .map((noted) => ({ ...noted, at: noted.at * 1000 }));
  }
}

/** The processes that a process has started, and those that they have. */
function descendantsOf(root: number): number[] {
  const { stdout } = spawnSync("ps", ["-eo", "pid=,ppid="], { encoding: "utf8" });
  const rows = stdout
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number));
  const found: number[] = [];
  for (let parents = [root]; parents.length > 0;) {
    parents = rows.flatMap(([pid = 0, parent = 0]) => (parents.includes(parent) ? [pid] : []));
    found.push(...parents);
  }
  return found;
}
