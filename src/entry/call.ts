/** A call as the router makes it: what is its own, and what its isolate has for all calls. */
import { type Config, configOf } from "../config.ts";
import { originOf } from "../http/address.ts";
import type { Admissions } from "../http/admit.ts";
import type { KeptAnswers } from "../http/kept-answers.ts";
import type { LookUps } from "../http/lookups.ts";
import type { Call, Dialect } from "../http/route.ts";
import type { After } from "../inferences/hints.ts";
import { DIALECTS } from "../wires.ts";
import { oncePer } from "../platform/memory.ts";
import type { Ports } from "../ports.ts";
import { accountMeterOf, admissionsOf, keptAnswersOf, lookUpsOf, portsOf, sweepOf } from "./bindings.ts";
import { metricsOf } from "./metrics-port.ts";

type Shared = Pick<Call, "config" | "ports" | "admissions" | "keptAnswers" | "lookUps" | "sweep" | "metrics" | "accountMeter">;

/** What the calls of an isolate have in common. Throws what is wrong with its settings. */
export const sharedOf = oncePer((env: Env): Shared => ({
  config: configOf(env),
  ports: portsOf(env),
  admissions: admissionsOf(env),
  keptAnswers: keptAnswersOf(env),
  lookUps: lookUpsOf(env),
  sweep: sweepOf(env),
  metrics: metricsOf(env),
  accountMeter: accountMeterOf(env),
}));

export class RoutedCall implements Call {
  readonly request: Request;
  readonly requestId: string;
  readonly params: Readonly<Record<string, string>>;
  readonly after: After;
  readonly config: Config;
  readonly ports: Ports;
  readonly admissions: Admissions;
  readonly keptAnswers: KeptAnswers<Dialect>;
  readonly lookUps: LookUps;
  readonly sweep: Call["sweep"];
  readonly metrics: Call["metrics"];
  readonly accountMeter: Call["accountMeter"];
  readonly #path: string;
  #url: URL | null = null;
  #origin: string | null = null;

  constructor(own: Pick<Call, "request" | "requestId" | "params" | "after">, path: string, shared: Shared) {
    this.request = own.request;
    this.requestId = own.requestId;
    this.params = own.params;
    this.after = own.after;
    this.config = shared.config;
    this.ports = shared.ports;
    this.admissions = shared.admissions;
    this.keptAnswers = shared.keptAnswers;
    this.lookUps = shared.lookUps;
    this.sweep = shared.sweep;
    this.metrics = shared.metrics;
    this.accountMeter = shared.accountMeter;
    this.#path = path;
  }

  dialectOf(name: string): Dialect | null {
    return DIALECTS.find((dialect) => dialect.name === name) ?? null;
  }

  get url(): URL {
    if (this.#url) return this.#url;
    this.#url = new URL(this.request.url);
    if (this.#url.pathname !== this.#path) this.#url.pathname = this.#path;
    return this.#url;
  }

  get origin(): string {
    this.#origin ??= this.config.publicUrl || originOf(this.request.url);
    return this.#origin;
  }
}
