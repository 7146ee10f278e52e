/**
 * The one seam between the flows and the platform. Everything outside that a flow uses comes through here, so a
 * simulator can stand on the other side; in production it is the bindings, each within a time limit.
 */
import type { Bucket, Uploads } from "./payloads/bucket.ts";
import type { Fetch, Outside } from "./backends/backend.ts";
import type { Lane } from "./models/lane.ts";
import type { Asking, KeyEnd, Verdict } from "./keys/gate.ts";
import type { ModelSchemas } from "./models/schemas.ts";
import type { Scope } from "./keys/key.ts";
import type { SpanSink } from "./platform/otlp.ts";
import type { Memory } from "./platform/memory.ts";
import type { Database, Row } from "./platform/sql.ts";

export interface Ports {
  readonly db: Database;
  /** Stands for this isolate: what its requests share is kept by it. */
  readonly isolate: object;
  readonly payloads: Bucket;
  readonly uploads: Uploads;
  /** Says that there may be work; a hint that may be lost, doubled or late. */
  wake(lanes: readonly Lane[]): Promise<void>;
  /** Sees to it that the sweep is ticking; null where it was asked to a moment ago. */
  armSweep(): Promise<void> | null;
  /** Says that these accounts may have deliveries to be sent; a hint like a wake-up. */
  deliver(accountIds: readonly string[]): Promise<void>;
  /** To the operator's collector; not there if none is set. */
  readonly spans?: SpanSink | undefined;
  readonly watch: WatchPort;
  readonly streams: StreamPort;
  readonly gate: GatePort;
  /** To GPU servers: through the deployment's own network, where it has one. */
  readonly fetch: Fetch;
  /** To what customers name: never through a network of ours. */
  readonly internet: Outside;
  /** See Outside. */
  readonly forms?: Memory<boolean>;
  /** What this isolate knows of models' schemas: see inferences/submit.ts. Without it they are read for each submit. */
  readonly schemas?: Memory<ModelSchemas>;
  /** How many requests of each account wait in this isolate; an account without any has no entry. */
  readonly waiting: Map<string, number>;
  /** Where clients reach the deployment, without a slash at the end; empty if it is not set. */
  readonly publicUrl: string;
  /** Where model servers reach it, to tell of progress; empty if that is not known. */
  readonly progressOrigin: string;
  /** How much an account's rows may take of the database, unless it has a quota of its own. */
  readonly databaseQuotaBytes: number;
  /** A secret of the deployment for a backend, by its name; null where it is not set. */
  readonly secret: (name: string) => string | null;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly randomBytes: (count: number) => Uint8Array;
}

export interface GatePort {
  /** See Gate; one caller's permit where nothing else is asked for. */
  admit(keyId: string, digest: string, scope: Scope, asking?: Asking): Promise<Verdict>;
  /** Why the key counts no more, or lacks a scope that it had; null if neither. Takes no permit. */
  ended(keyId: string, digest: string, scope: Scope): Promise<KeyEnd | "scope" | null>;
  /** What the gate knows of its key is out of date. */
  forget(keyId: string): Promise<void>;
}

/** All inferences of an account. */
export const ALL = "*";

/** What is told of an inference. */
export interface Told {
  /** As `fromRow` reads it; null says that events were missed which are not known any more, unless it `begins`. */
  readonly row: Row | null;
  /** Of ALL: the stream begins here, after the event of this number. */
  readonly begins?: true;
  /** Of ALL: which line of its log this event is, and the event's number. */
  readonly line?: number;
  readonly event?: string;
}

/** An event of ALL, and the watch object that has told it. */
export interface AfterEvent {
  readonly object: number;
  readonly event: string;
}

/** Watch objects: where those who watch an account's inferences are told of changes. */
export interface WatchPort {
  /**
   * Has what is told of a topic from now on: an inference's id, or ALL; of that, `after` an event. Null if as many watch the
   * account as may.
   */
  open(accountId: string, topic: string, after?: AfterEvent | null): Promise<Watch | null>;
  /** Tells who watches at an object of an account of these rows, each as `fromRow` reads it. */
  tell(accountId: string, object: number, rows: readonly Row[]): Promise<void>;
}

/** What became of a piece of a stream: another attempt writes by now, or what came before it is missing. */
export type Appended = "kept" | "stale" | "gap";

/** What follows after a place in a stream. */
export interface StreamPage {
  /** Whose output it is; 0 = nothing is kept. */
  readonly attempt: number;
  /** How much of it there is, in bytes. */
  readonly length: number;
  /** Where the pieces begin: right after the place if the same attempt writes. */
  readonly begins: number;
  readonly pieces: readonly Uint8Array[];
}

/** Where outputs are kept while they come, so that a stream can be read again: see inferences/streams/log.ts. */
export interface StreamPort {
  /** Adds a piece of an attempt, which begins at an offset. It may be sent again; it is there for good when this resolves. */
  append(accountId: string, id: string, attempt: number, begins: number, bytes: Uint8Array): Promise<Appended>;
  /** What follows after a place; waits for it for up to `ms`. */
  after(accountId: string, id: string, attempt: number, offset: number, ms: number): Promise<StreamPage>;
  /** How far it was given to those who read without a place of their own: what `give` was told last; "" at the beginning. */
  given(accountId: string, id: string): Promise<string>;
  /** Moves that on, unless another call has since: then false. */
  give(accountId: string, id: string, from: string, to: string): Promise<boolean>;
  /** Nothing of it is kept any more. */
  forget(accountId: string, id: string): Promise<void>;
}

/** One who watches. */
export interface Watch {
  /** The number of the object that it is at. */
  readonly object: number;
  /** What was told since the last call; waits for it for at most `ms`, then it is nothing. Null once nothing more will be told. */
  next(ms: number, signal: AbortSignal): Promise<readonly Told[] | null>;
  close(): void;
}

export interface Clock {
  /** In ms; for spans of time within one isolate. What is durable is timed by the database. */
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Runs something after `ms`, unless what is returned is called before. */
  after(ms: number, run: () => void): () => void;
  /** Aborted after `ms`. */
  timeout(ms: number): AbortSignal;
}
