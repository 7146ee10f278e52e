/** The calls that a command makes: with the key or the operator's token, again where that is safe, and their refusals as errors. */
import { setTimeout as sleep } from "node:timers/promises";
import { CommandError, EXIT, Refused, UsageError } from "./errors.ts";
import type { Settings } from "./settings.ts";

const TRIES = 6;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 30_000;
const SILENCE_MS = 60_000;
/** Answers that ask for another try. */
const AGAIN: ReadonlySet<number> = new Set([408, 429, 502, 503, 504]);

type Body = string | Uint8Array<ArrayBuffer>;

export interface Options {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  readonly body?: Body;
  readonly headers?: Readonly<Record<string, string>>;
  /** May be sent again if no answer came; by default whatever is not a POST, or has an idempotency key. */
  readonly repeatable?: boolean;
  /** Beside the time that a connection may be silent. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal;
}

export type Json = Record<string, unknown>;

export class Api {
  readonly settings: Settings;

  constructor(settings: Settings) {
    this.settings = settings;
  }

  /** A call of the account's. */
  async call(method: string, path: string, options: Options = {}): Promise<Response> {
    if (!this.settings.key) throw new UsageError("No key is named. Say --key, set CLAIMCHECK_KEY, or run: claimcheck login");
    return this.#ask(method, path, this.settings.key, options);
  }

  /** A call of the operator's, below /admin/v1. */
  async operate(method: string, path: string, options: Options = {}): Promise<Json> {
    if (!this.settings.adminToken) {
      throw new UsageError(
        "This is the operator's. Say --admin-token, set CLAIMCHECK_ADMIN_TOKEN, or run: claimcheck login --admin-token …",
      );
    }
    const answer = await this.#ask(method, `/admin/v1${path}`, this.settings.adminToken, options);
    return (await answer.json()) as Json; // every answer of the admin API is an object
  }

  async json(method: string, path: string, options: Options = {}): Promise<Json> {
    const answer = await this.call(method, path, options);
    return answer.status === 204 ? {} : ((await answer.json()) as Json); // each answer that is asked for here is an object
  }

  async #ask(method: string, path: string, secret: string, options: Options): Promise<Response> {
    const url = new URL(this.settings.url + path);
    for (const [name, value] of Object.entries(options.query ?? {})) if (value !== undefined) url.searchParams.set(name, String(value));
    const headers: Record<string, string> = { ...options.headers, Authorization: `Bearer ${secret}` };
    if (options.json !== undefined) headers["Content-Type"] = "application/json";
    const repeatable = options.repeatable ?? (method !== "POST" || "Idempotency-Key" in headers);
    const body = options.json === undefined ? options.body : JSON.stringify(options.json);
    for (let left = TRIES - 1; ; left--) {
      const silence = AbortSignal.timeout(SILENCE_MS + (options.waitMs ?? 0));
      const signal = options.signal ? AbortSignal.any([options.signal, silence]) : silence;
      let told: number | null = null;
      try {
        const answer = await fetch(url, { method, headers, signal, redirect: "manual", ...(body !== undefined && { body }) });
        if (answer.ok) return answer;
        const refused = new Refused(answer.status, await answer.text());
        if (left === 0 || !AGAIN.has(answer.status) || !(repeatable || answer.status === 429)) throw refused;
        told = Number(answer.headers.get("retry-after-ms") ?? Number(answer.headers.get("retry-after") ?? Number.NaN) * 1000);
      } catch (error) {
        if (error instanceof CommandError) throw error;
        options.signal?.throwIfAborted();
        if (left === 0 || !repeatable) throw new CommandError(`${url.origin} does not answer: ${causeOf(error)}`, EXIT.unavailable);
      }
      const pause = Math.min(LONGEST_PAUSE_MS, told ?? FIRST_PAUSE_MS * 2 ** (TRIES - 1 - left));
      await sleep(
        Number.isNaN(pause) ? FIRST_PAUSE_MS : pause * (1 + Math.random() / 10),
        undefined,
        options.signal ? { signal: options.signal } : {},
      );
    }
  }
}

/** In words; what fetch throws has its cause inside. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? causeOf(error.cause) : error.message;
}
