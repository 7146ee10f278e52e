/** What commands call a deployment with: the client, as an account; and the same calls with the operator's token. */
import { Calls } from "../client/typescript/calls.ts";
import { Claimcheck } from "../client/typescript/client.ts";
import { dim } from "../src/local/terminal.ts";
import { UsageError } from "./errors.ts";
import type { Output } from "./print.ts";
import type { Settings } from "./settings.ts";

export type Json = Record<string, unknown>;

export interface Options {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** May be sent again if no answer came; by default all but a POST. */
  readonly repeatable?: boolean;
}

export class Api {
  readonly settings: Settings;
  readonly output: Output;
  /** Ctrl-C. */
  readonly signal: AbortSignal;
  #missed = 0;

  constructor(settings: Settings, output: Output, signal: AbortSignal) {
    this.settings = settings;
    this.output = output;
    this.signal = signal;
  }

  /** As the account of the key. */
  get client(): Claimcheck {
    return new Claimcheck(this.#with(this.#key()));
  }

  /** A call of the account's that the client has no method for. */
  call(method: string, path: string, options: Options = {}): Promise<Json> {
    return this.#send(this.#key(), method, path, options);
  }

  /** A call of the operator's, below /admin/v1. */
  operate(method: string, path: string, options: Options = {}): Promise<Json> {
    const { adminToken } = this.settings;
    if (!adminToken) {
      throw new UsageError(
        "This command needs the admin token. Pass --admin-token, set CLAIMCHECK_ADMIN_TOKEN, or run: claimcheck login --admin-token TOKEN",
      );
    }
    return this.#send(adminToken, method, `/admin/v1${path}`, options);
  }

  #key(): string {
    const { key } = this.settings;
    if (!key) throw new UsageError("No key is named. Pass --key, set CLAIMCHECK_KEY, or run: claimcheck login");
    return key;
  }

  #send(secret: string, method: string, path: string, { query = {}, json, repeatable = method !== "POST" }: Options): Promise<Json> {
    const words = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)] as const]));
    const asked = words.length > 0 ? `?${new URLSearchParams(Object.fromEntries(words)).toString()}` : "";
    return new Calls(this.#with(secret)).json(path + asked, { method, body: json, repeatable, signal: this.signal });
  }

  #with(key: string): { url: string; key: string; fetch: (url: string, init: RequestInit) => Promise<Response> } {
    return { url: this.settings.url, key, fetch: (url, init) => this.#fetch(url, init) };
  }

  /** Follows no redirect, and says once that a deployment is away for which the client tries again. */
  async #fetch(url: string, init: RequestInit): Promise<Response> {
    if (this.#missed === 1 && this.output.isTerminal) this.output.note(dim(`${this.settings.url} does not answer; trying again …`));
    try {
      const answer = await fetch(url, { ...init, redirect: "manual" });
      this.#missed = 0;
      return answer;
    } catch (error) {
      this.#missed++;
      throw error;
    }
  }
}
