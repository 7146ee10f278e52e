/**
 * What a route is. The table of routes says for each call who may make it; handlers see a call that is or will be
 * admitted and return its answer or throw a problem.
 */
import type { Config } from "../config.ts";
import type { After } from "../inferences/hints.ts";
import type { Allowance } from "../keys/gate.ts";
import type { KeyIdentity, Scope } from "../keys/key.ts";
import type { Ports } from "../ports.ts";
import type { Problem } from "../problem.ts";
import type { DeliveryMessage, ToldEvent } from "../webhooks/deliver.ts";

/** Everything one request may use. */
export interface Call {
  readonly request: Request;
  /** Of the request; its path is the one that is routed. */
  readonly url: URL;
  /** Path parameters, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly requestId: string;
  readonly config: Config;
  readonly ports: Ports;
  readonly sweep: { recover(startedBefore: number): Promise<number> };
  readonly after: After;
  /** Where clients reach us, without a slash at the end. */
  readonly origin: string;
}

/** A call by a key of an account. */
export interface KeyCall extends Call {
  readonly caller: KeyIdentity;
}

type Method = "GET" | "POST" | "PATCH" | "PUT" | "DELETE";
type Answer = Response | Promise<Response>;

/**
 * `open`: anyone; `operator`: the deployment's ADMIN_TOKEN; else a key with that scope, whose gate counts the call.
 * A `read` runs beside the question to the gate, and its answer is thrown away when the gate refuses; anything that
 * changes something waits for the gate first.
 */
export type Route =
  | { readonly method: Method; readonly path: string; readonly access: "open" | "operator"; readonly handle: (call: Call) => Answer }
  | { readonly method: Method; readonly path: string; readonly access: Scope; readonly handle: (call: KeyCall) => Answer };

/** One wire: its routes, and how its errors look. */
export interface Dialect {
  readonly name: string;
  /** Whether an unknown path is answered in this dialect. */
  owns(path: string): boolean;
  /** The path that a request is about, where its host says a part of it; null where it does not. */
  pathOf?(url: URL): string | null;
  readonly routes: readonly Route[];
  /** Headers by which this dialect shows where a key stands, beside ours; none of them replaces what an answer says itself. */
  limitHeaders?(allowance: Allowance): Readonly<Record<string, string>>;
  /** How a webhook that was given in this dialect is told; ours where there is nothing. */
  tell?(told: ToldEvent): Promise<DeliveryMessage>;
  /** A problem as this dialect's error answer. */
  refuse(problem: Problem, call: Pick<Call, "requestId">): Response;
}
