/**
 * The program of `npm start` as a black box: a process group of its own, as a terminal would give it, on a free port and
 * a state folder that outlives it. It can be stopped as Ctrl-C does, or killed without a word.
 */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Operator } from "../../src/local/operator.ts";
import { freePort } from "../../src/local/runtime.ts";
import type { Credentials } from "../../src/local/state.ts";

export const ROOT = join(import.meta.dirname, "..", "..");
const START_SECONDS = 60;

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; undefined where it is none. */
  readonly body: unknown;
}

/** What tests look at of an inference, as the API shows it; `logs` if they were asked for. */
export interface Shown {
  readonly id: string;
  readonly status: string;
  readonly is_final: boolean;
  readonly attempts: number;
  readonly output: unknown;
  readonly error: { readonly class: string; readonly code: string; readonly message: string } | null;
  readonly logs: readonly {
    readonly event: string;
    readonly attempt?: number;
    readonly at: string;
    readonly retry_at?: string;
    readonly error?: { readonly code: string };
  }[];
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface Deployment {
  readonly url: string;
  readonly port: number;
  readonly folder: string;
  /** Of the first account. */
  readonly key: string;
  readonly admin: string;
  /** The process that leads the group. */
  readonly pid: number;
  /** All that it has printed so far. */
  output(): string;
  /** The operator's API; throws for any answer that is not a success. */
  operator: Operator["call"];
  /** The clients' API, with the first account's key unless told another. */
  api(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** What of the process group is still running, one command line each. */
  running(): string[];
  /** Kills every process of it at once, the embedded runtime included, and waits until they are gone. */
  kill9(): Promise<void>;
  /** Kills the leading process alone. */
  killLeader9(): Promise<void>;
  /** Ctrl-C: the terminal signals the whole group. Resolves when the leading process has ended. */
  interrupt(): Promise<Exit>;
}

export interface Options {
  /** A free one unless told. */
  port?: number;
  folder: string;
  /** Settings of the deployment, beside those of this process. */
  env?: Readonly<Record<string, string>>;
}

/** A folder for the state of a deployment; removed by `endAll`. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "claimcheck-e2e-"));
  folders.push(folder);
  return folder;
}

const folders: string[] = [];
const groups = new Set<number>();
process.once("exit", endAll);

/** Kills whatever a test has left running and removes the folders. For `afterAll`. */
export function endAll(): void {
  for (const group of groups) signalGroup(group, "SIGKILL");
  groups.clear();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

/** Starts the program and nothing more: for when it is expected to end by itself. */
export function launch(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): { child: ChildProcess; output: () => string; exited: Promise<Exit> } {
  const child = spawn(process.execPath, [join("src", "local", "start.ts"), ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (output += text));
  if (child.pid !== undefined) groups.add(child.pid);
  const exited = once(child, "exit").then(([code, signal]: unknown[]): Exit => ({ code, signal }) as Exit); // as documented for the event
  return { child, output: () => output, exited };
}

/** Starts the program; resolves when it answers and has said all that it has to say. */
export async function deploy({ folder, port: wanted, env }: Options): Promise<Deployment> {
  const port = wanted ?? (await freePort("127.0.0.1"));
  const file = join(folder, "credentials.json");
  const writtenAt = () => (existsSync(file) ? statSync(file).mtimeMs : 0);
  const before = writtenAt();
  const { child, output, exited } = launch(["--port", String(port), "--state", folder], env);
  const { pid } = child;
  if (pid === undefined) throw new Error("the program could not be started");
  const url = `http://127.0.0.1:${port}`;
  let ended: Exit | null = null;
  void exited.then((exit) => (ended = exit));
  const ready = async () => ended !== null || (writtenAt() > before && output().includes("Ctrl-C") && (await answers(url)));
  if (!(await until(ready, Boolean, START_SECONDS)) || ended !== null) {
    signalGroup(pid, "SIGKILL");
    throw new Error(`The program does not answer${ended ? `; it ended with ${JSON.stringify(ended)}` : ""}:\n${output()}`);
  }
  const credentials = JSON.parse(readFileSync(file, "utf8")) as Credentials; // written by the program
  const operator = new Operator(url, credentials.admin_token);
  const gone = async () => {
    const left = await until(
      async () => runningIn(pid),
      (processes) => processes.length === 0,
      20,
    );
    if (left.length > 0) throw new Error(`still running: ${left.join("; ")}`);
    groups.delete(pid);
  };
  return {
    url,
    port,
    folder,
    key: credentials.key,
    admin: credentials.admin_token,
    pid,
    output,
    operator: (...call) => operator.call(...call),
    api: (method, path, body, headers) => ask(url, credentials.key, method, path, body, headers),
    running: () => runningIn(pid),
    async kill9() {
      signalGroup(pid, "SIGKILL");
      await exited;
      await gone();
    },
    async killLeader9() {
      process.kill(pid, "SIGKILL");
      await exited;
    },
    async interrupt() {
      signalGroup(pid, "SIGINT");
      return exited;
    },
  };
}

/** One request with a key, in our own API's header. */
export async function ask(
  url: string,
  key: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json", ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: parsed(text) };
}

/** Asks until the answer satisfies, at most `seconds`; the last answer either way. */
export async function until<T>(look: () => Promise<T>, satisfied: (answer: T) => boolean, seconds = 30, everyMs = 50): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const answer = await look();
    if (satisfied(answer) || Date.now() > end) return answer;
    await wait(everyMs);
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/healthz`)).ok;
  } catch {
    return false;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

export function signalGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // process.kill throws system errors only
  }
}

/** The processes of a group, without those that have ended and wait to be reaped. */
function runningIn(group: number): string[] {
  return allProcesses()
    .filter((it) => it.group === group && !/^[ZX]/.test(it.state))
    .map((it) => `${it.pid} ${it.command.slice(0, 200)}`);
}

/** Of the whole machine: from /proc where there is one, since not every machine has `ps`. */
function allProcesses(): { pid: string; group: number; state: string; command: string }[] {
  if (!existsSync("/proc/self/stat")) {
    const listed = execFileSync("ps", ["-A", "-o", "pid=,pgid=,stat=,args="], { encoding: "utf8" });
    return [...listed.matchAll(/^ *(\d+) +(\d+) +(\S+) +(.*)$/gm)].map(([, pid = "", group = "", state = "", command = ""]) => {
      return { pid, group: Number(group), state, command };
    });
  }
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        const [state = "", , group = ""] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        return [{ pid, group: Number(group), state, command: readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ") }];
      } catch {
        return []; // ended while we looked
      }
    });
}
