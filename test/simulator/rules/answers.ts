/**
 * What an answer comes to, as the repertoire of unkind servers says and not as the code under test judges: what is final,
 * what is tried again, what costs an attempt, under which code and for which reason it is told, and what is stored.
 */
import { isDeepStrictEqual } from "node:util";
import { type Speech, type Unkindness, storedIn } from "../../support/repertoire.ts";
import type { InferenceRow } from "../platform/rows.ts";
import type { Life, LiveCall, Lives } from "./lives.ts";

/** What a server said in answer to a call. */
interface Said {
  readonly call: LiveCall;
  readonly attempt: number;
  readonly speaks: Speech;
  readonly way: Unkindness;
}

/** Ends that no answer has to do with: our own storage fails, or the time is up before what was sent is there. */
const UNHEARD: ReadonlySet<string> = new Set(["runner_error", "run_within_seconds"]);
/** The end of what took down several servers, as far as can be told. */
const QUARANTINED = "quarantined";

export class Answers {
  readonly #lives: Lives;
  readonly #said = new Map<number, Said>();
  readonly #tunneled = new Map<number, { readonly call: LiveCall; readonly attempt: number; readonly outage: number }>();
  /** How often each way was judged, by its name. */
  readonly met = new Map<string, number>();

  constructor(lives: Lives) {
    this.#lives = lives;
  }

  /** A server has said all that it says to a call. */
  said(call: LiveCall, speaks: Speech, way: Unkindness): void {
    const life = this.#lives.jobs.get(call.job);
    if (life?.row.lease === call.lease) this.#said.set(call.job, { call, attempt: life.row.attempt, speaks, way });
  }

  /** A tunnel has answered for its server, which did not hear of the call. */
  tunneled(call: LiveCall): void {
    const row = this.#lives.jobs.get(call.job)?.row;
    const outage = this.#lives.outside.tunnelOf(call.backendId);
    if (row?.lease === call.lease && outage !== null) this.#tunneled.set(call.job, { call, attempt: row.attempt, outage });
  }

  /** Whether an output is what the server's last words to an inference amount to. */
  hasGiven(job: number, output: string): boolean {
    const said = this.#said.get(job);
    return said?.way.comesTo.to === "success" && holds(storedIn(said.speaks, JSON.parse(output)), said.way.comesTo.stores);
  }

  /** An attempt has ended, by the word of whoever held it. */
  judge({ row: old, job }: Life, row: InferenceRow): void {
    this.#judgeTunneled(job, old, row);
    const said = this.#said.get(job);
    if (said === undefined || said.attempt !== old.attempt || said.call.lease !== old.lease || row.status === "canceled") return;
    const { name, comesTo } = said.way;
    const broken = (what: string) => this.#lives.violate("an answer comes to what it is", `#${job}, answered "${name}", ${what}`);
    const error = row.status === "succeeded" ? null : errorIn(row);
    if (error && UNHEARD.has(error.code)) return;
    this.met.set(name, (this.met.get(name) ?? 0) + 1);
    if (comesTo.to === "success" || error === null) {
      if ((comesTo.to === "success") !== (error === null)) broken(`is ${row.status}${error ? `: ${error.code}` : ""}`);
      return;
    }
    const isConnection = comesTo.code === "backend_" || comesTo.code === "backend_cut";
    if (isConnection && error.code === QUARANTINED) return;
    const isCode = comesTo.code.endsWith("_") ? error.code.startsWith(comesTo.code) : error.code === comesTo.code;
    if (!isCode || !error.message.includes(comesTo.reason)) broken(`is told as ${error.code}: ${error.message}`);
    const attempts = old.attempt - old.attemptsBefore - old.unreached;
    const mayRunAgain = comesTo.again && attempts < old.maxAttempts;
    const isUnreached = row.unreached > old.unreached;
    // The server was there when it said so, and its tunnel has gone down before it was asked how it does: nobody can tell the two apart.
    const isTunnels = comesTo.isTunnels === true && this.#lives.outside.tunnelOf(said.call.backendId) !== null;
    if (isUnreached && !isConnection && !isTunnels) broken("cost no attempt");
    if ((row.status === "queued") !== (mayRunAgain || isUnreached))
      broken(`is ${row.status} after attempt ${attempts} of ${old.maxAttempts}`);
  }

  /** While its tunnel is down a server can't be reached: no attempt at it counts, however often. */
  #judgeTunneled(job: number, old: InferenceRow, row: InferenceRow): void {
    const said = this.#tunneled.get(job);
    if (said === undefined || said.attempt !== old.attempt || said.call.lease !== old.lease || row.status === "canceled") return;
    const { call, outage } = said;
    // It may be there again when it is asked whether it is, or whoever asks may have stood still for too long to hear.
    if (this.#lives.outside.tunnelOf(call.backendId) !== outage || call.isolate.steadySince > call.beganAt) return;
    if (row.status !== "queued" || row.unreached !== old.unreached + 1)
      this.#lives.violate("what never reached a server costs no attempt", `#${job}, answered 530 by a tunnel, is ${row.status}`);
  }
}

function errorIn({ lastError }: InferenceRow): { readonly code: string; readonly message: string } {
  return JSON.parse(lastError ?? '{"code":"none","message":""}') as { code: string; message: string }; // as the log has it
}

/** Whether it has all that is expected, and perhaps more beside it. */
function holds(value: unknown, expected: unknown): boolean {
  if (typeof expected !== "object" || expected === null || Array.isArray(expected)) return isDeepStrictEqual(value, expected);
  return (
    typeof value === "object" && value !== null && Object.entries(expected).every(([name, part]) => holds(Reflect.get(value, name), part))
  );
}
