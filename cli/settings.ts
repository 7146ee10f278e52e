/**
 * Which deployment, and as whom: from the command's options, the environment, what `login` has kept, or, in a checkout where
 * `npm start` runs, its credentials.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { UsageError } from "./errors.ts";

export interface Settings {
  readonly url: string;
  /** Of an account. */
  readonly key?: string | undefined;
  /** The operator's. */
  readonly adminToken?: string | undefined;
}

export type Given = { readonly [Name in keyof Settings]?: Settings[Name] | undefined };

const home = () => process.env["XDG_CONFIG_HOME"] ?? join(homedir(), ".config");

/** What `login` keeps; only its owner may read it. */
export const keptIn = () => join(home(), "claimcheck", "credentials.json");

/** Where `npm start` writes its own, below the folder that one stands in. */
const STARTED = join(".claimcheck", "credentials.json");

/** The settings of a command. Throws UsageError if no deployment is named. */
export function settingsOf(given: Given): Settings {
  const { CLAIMCHECK_URL: url, CLAIMCHECK_KEY: key, CLAIMCHECK_ADMIN_TOKEN: adminToken } = process.env;
  const sources = [given, { url, key, adminToken }, read(keptIn()), read(STARTED)];
  const named = sources.find((source) => source.url)?.url;
  if (!named) throw new UsageError("No deployment is named. Pass --url, set CLAIMCHECK_URL, or run: claimcheck login");
  // A key goes only to the deployment that it came with.
  const fitting = sources.filter((source) => !source.url || source.url === named);
  return {
    url: addressOf(named),
    key: fitting.find((source) => source.key)?.key,
    adminToken: fitting.find((source) => source.adminToken)?.adminToken,
  };
}

export function addressOf(text: string): string {
  const protocol = URL.canParse(text) ? new URL(text).protocol : "";
  if (protocol === "http:" || protocol === "https:") return text.replace(/\/+$/, "");
  throw new UsageError(`"${text}" must be the address of a deployment, such as https://claimcheck.example`);
}

/** Written whole, so that a command that reads it meanwhile finds the old or the new. */
export function keep({ url, key, adminToken }: Settings): void {
  mkdirSync(dirname(keptIn()), { recursive: true, mode: 0o700 });
  const part = `${keptIn()}.${process.pid}`;
  writeFileSync(part, `${JSON.stringify({ url, key, admin_token: adminToken }, null, 2)}\n`, { mode: 0o600 });
  renameSync(part, keptIn());
}

const secretKeptIn = () => join(home(), "claimcheck", "listen-secret");

/** What `listen` signs with; null if none was made yet. */
export function keptSecret(): string | null {
  return existsSync(secretKeptIn()) ? readFileSync(secretKeptIn(), "utf8").trim() : null;
}

export function keepSecret(secret: string): void {
  mkdirSync(dirname(secretKeptIn()), { recursive: true, mode: 0o700 });
  writeFileSync(secretKeptIn(), `${secret}\n`, { mode: 0o600 });
}

/** Whether there was something to forget. */
export function forget(): boolean {
  const there = existsSync(keptIn());
  rmSync(keptIn(), { force: true });
  return there;
}

function read(file: string): Given {
  if (!existsSync(file)) return {};
  const kept: unknown = JSON.parse(readFileSync(file, "utf8"));
  const member = (name: string) => {
    const value = typeof kept === "object" && kept !== null ? (kept as Record<string, unknown>)[name] : undefined; // an object, by the check before
    return typeof value === "string" ? value : undefined;
  };
  return { url: member("url"), key: member("key"), adminToken: member("admin_token") };
}
