/**
 * The state folder of an embedded runtime: its secrets, the credentials that scripts read, and the lock that keeps two
 * runtimes from sharing one folder. The folder is its owner's alone, and every file with a secret in it too.
 */
import { randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** What scripts need to use a running runtime. */
export interface Credentials {
  url: string;
  key: string;
  admin_token: string;
}

/** What the first start has made, as far as it got. */
export interface Setup {
  account_id?: string;
  key?: string;
  backend_id?: string;
}

export interface Secrets {
  readonly keySecret: string;
  readonly adminToken: string;
}

export class StateInUse extends Error {}

export class StateUnusable extends Error {}

export class State {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      if (!isOurs(folder)) throw new StateUnusable(`${folder} has other files in it, and none of Claimcheck's.`);
      chmodSync(folder, 0o700); // it may have been there
    } catch (error) {
      if (error instanceof StateUnusable) throw error;
      throw new StateUnusable(`The state folder can't be made: ${error instanceof Error ? error.message : String(error)}.`);
    }
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  /**
   * Takes the folder for this process; throws StateInUse while another living process has it. The credentials of the last run go:
   * whoever waits for them waits until this one is ready.
   */
  lock(): void {
    const holder = Number(this.#read("lock") ?? 0);
    if (holder > 0 && holder !== process.pid && isAlive(holder)) {
      throw new StateInUse(`The state folder ${this.folder} is in use by process ${holder}.`);
    }
    this.#write("lock", String(process.pid));
    rmSync(this.path("credentials.json"), { force: true });
  }

  unlock(): void {
    rmSync(this.path("lock"), { force: true });
  }

  /** Made on the first call, the same ever after. */
  secrets(): Secrets {
    const known = this.#read("secrets.json");
    if (known) return JSON.parse(known) as Secrets; // written below alone
    const secrets: Secrets = { keySecret: randomBytes(32).toString("base64url"), adminToken: randomBytes(24).toString("base64url") };
    this.#write("secrets.json", JSON.stringify(secrets));
    return secrets;
  }

  setup(): Setup {
    return JSON.parse(this.#read("setup.json") ?? "{}") as Setup; // written below alone
  }

  remember(setup: Setup): void {
    this.#write("setup.json", JSON.stringify(setup));
  }

  /** Says that the runtime is ready: to be called last. */
  writeCredentials(credentials: Credentials): void {
    this.#write("credentials.json", `${JSON.stringify(credentials, null, 2)}\n`);
  }

  #read(name: string): string | null {
    const path = this.path(name);
    return existsSync(path) ? readFileSync(path, "utf8") : null;
  }

  /** Whole or not at all: a crash leaves the old file. */
  #write(name: string, text: string): void {
    const path = this.path(name);
    writeFileSync(`${path}.new`, text, { mode: 0o600 });
    chmodSync(`${path}.new`, 0o600);
    renameSync(`${path}.new`, path);
  }
}

/** Whether a folder may be a state's: nobody else could open it any more, as all of a system's users have to open its folder for temporary files. */
function isOurs(folder: string): boolean {
  const names = readdirSync(folder);
  return names.length === 0 || names.some((name) => name === "lock" || name === "secrets.json");
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // process.kill throws system errors only
  }
}
