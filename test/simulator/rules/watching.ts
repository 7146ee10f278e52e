/**
 * Watchers: each sees every line of an inference's log once and in order, over all connections that it takes, or gets a reset. It sees
 * nothing that is not in the database, and, once there is no fault, all of it soon after it has happened. The rules have the logs from
 * the rows in the database, and not from a notification.
 */
import type { Status } from "../../../src/inferences/status.ts";
import { HANGS_MOST_MS } from "../platform/part.ts";
import { type ToldEnd, toldOf } from "./ends.ts";
import { type Life, isFinal } from "./lives.ts";

/** An event as a client has it. */
export interface SeenEvent {
  /** Null for an id without an event. */
  readonly name: string | null;
  readonly id: string | null;
  /** As the API documents it. */
  readonly data: {
    readonly inference_id?: string;
    readonly at?: string;
    readonly event?: string;
    readonly inference?: ToldEnd;
  };
}

interface LogLine {
  readonly at: number;
  readonly event: string;
}

/** Which events of an account somebody wants; null: all. */
export interface Filter {
  readonly model: string | null;
  /** With which one of these begins. */
  readonly statuses: readonly Status[] | null;
}

export interface Watcher {
  readonly name: string;
  readonly accountId: string;
  /** Which inference; null: all of the account. */
  readonly id: string | null;
  readonly filter: Filter;
  readonly job: number;
  lastEventId: string | null;
  /** It has the end of what it watches. */
  isOver: boolean;
  /** It has the last event, and nothing may follow on this connection. */
  hasFinal: boolean;
  /** Since when it is connected; null while it is not. */
  connectedAt: number | null;
  /** From then on it is to see whatever happens: it was told where the stream stands, or got a reset. */
  since: number | null;
  /** Of each inference, the last line that it has seen. */
  readonly last: Map<string, number>;
  /** Of each, when its model said what the watcher knows of its progress. */
  readonly progressAt: Map<string, number>;
}

export interface WatchingWorld {
  now(): number;
  /** When the faults ended; Infinity while there are any. */
  calmSince(): number;
  lives(): Iterable<Life>;
  violate(rule: string, detail: string): void;
}

/** Once nothing goes wrong, a line is seen after this: the watcher comes back after 90 s at the latest, and what was not heard of is looked at. */
const SEEN_WITHIN_MS = 180_000;

/** With no fault left for so long, and a connection that has stood for so long, who watches is told at once of a status that begins. */
const STEADY_MS = HANGS_MOST_MS + 5_000;
const CONNECTED_MS = 5_000;
const TOLD_WITHIN_MS = 2_000;

/** The status that begins with an event. */
export const BEGINS: Readonly<Record<string, Status | undefined>> = {
  queued: "queued",
  claimed: "in_progress",
  attempt_failed: "queued",
  redriven: "queued",
  succeeded: "succeeded",
  failed: "failed",
  canceled: "canceled",
  expired: "expired",
};

/** After these an inference does not run. */
const ENDS: ReadonlySet<string> = new Set(["attempt_failed", "queued", "redriven", "succeeded", "failed", "canceled", "expired"]);

export class Watching {
  readonly #world: WatchingWorld;
  readonly #watchers: Watcher[] = [];
  /** Logs by their text: most are looked at again and again. */
  readonly #logs = new Map<string, readonly LogLine[]>();

  constructor(world: WatchingWorld) {
    this.#world = world;
  }

  begin(accountId: string, id: string | null, job: number, filter = NO_FILTER): Watcher {
    const of = id === null ? [accountId, filter.model, ...(filter.statuses ?? [])].filter((word) => word !== null).join(", ") : `#${job}`;
    const watcher = {
      name: `watcher ${this.#watchers.length} of ${of}`,
      accountId,
      id,
      filter,
      job,
      lastEventId: null,
      isOver: false,
      hasFinal: false,
      connectedAt: null,
      since: null,
      last: new Map(),
      progressAt: new Map(),
    };
    this.#watchers.push(watcher);
    return watcher;
  }

  connects(watcher: Watcher): void {
    watcher.connectedAt = this.#world.now();
    watcher.hasFinal = false;
  }

  disconnected(watcher: Watcher, how: number | Error | null): void {
    watcher.connectedAt = null;
    const hasEnded = watcher.id !== null && (how === 204 || (how === 200 && watcher.hasFinal));
    if (hasEnded) watcher.isOver = true;
    if (how === 204 && this.#missing(watcher).length > 0) this.#violate(watcher, "is told that there is no more, and has not seen all");
  }

  see(watcher: Watcher, event: SeenEvent): void {
    if (watcher.hasFinal) this.#violate(watcher, `is told ${event.name} after the end`);
    if (watcher.id === null && event.id !== null) this.#judgePlace(watcher, event);
    watcher.lastEventId = event.id ?? watcher.lastEventId;
    if (event.name === "reset") {
      watcher.last.clear();
      watcher.since = this.#world.now();
    }
    if (event.name === "final" && watcher.id !== null) watcher.hasFinal = true;
    if (event.name === "progress") this.#judgeProgress(watcher, event);
    else if (event.id !== null && event.data.inference_id !== undefined) this.#judgeLine(watcher, event);
  }

  /** The events of an account are numbered one by one, of which a filter leaves some out; where others were missed, a reset says so. */
  #judgePlace(watcher: Watcher, { name, id }: SeenEvent): void {
    watcher.since ??= this.#world.now();
    if (name === "reset" || (name === null && watcher.lastEventId === null)) return;
    const [stream, number] = placeIn(id);
    const [lastStream, last] = placeIn(watcher.lastEventId);
    const isNext = isFiltered(watcher) ? number > last : number === last + 1;
    if (stream !== lastStream || !isNext) this.#violate(watcher, `is told ${id} after ${watcher.lastEventId}`);
  }

  /** Progress is of the attempt of which the watcher has seen the beginning and not the end, and never an older word than the last. */
  #judgeProgress(watcher: Watcher, { data }: SeenEvent): void {
    const id = data.inference_id ?? "";
    const at = Date.parse(data.at ?? "");
    const life = this.#lifeOf(watcher.accountId, id);
    if (life && !wants(watcher, life, "in_progress"))
      this.#violate(watcher, `is told of progress of #${life.job}, which its filter leaves out`);
    const line = life ? this.#logOf(life)[watcher.last.get(id) ?? -1] : undefined;
    if (line && at < line.at) this.#violate(watcher, `is told of progress of #${life?.job} before it was ${line.event}`);
    if (line && ENDS.has(line.event)) this.#violate(watcher, `is told of progress of #${life?.job}, which is ${line.event}`);
    const last = watcher.progressAt.get(id) ?? 0;
    if (at < last) this.#violate(watcher, `is told of progress of #${life?.job} that is ${last - at} ms older than the last`);
    watcher.progressAt.set(id, at);
  }

  /** A line of a log: there, the next one, and with the inference as it was then or later. */
  #judgeLine(watcher: Watcher, { name, data }: SeenEvent): void {
    const id = data.inference_id ?? "";
    const life = this.#lifeOf(watcher.accountId, id);
    if (!life || (watcher.id !== null && watcher.id !== id)) return this.#violate(watcher, `is told of ${id}, which is not there`);
    const log = this.#logOf(life);
    const at = Date.parse(data.at ?? "");
    const last = watcher.last.get(id);
    const index = log.findIndex((line, place) => line.at === at && line.event === data.event && place > (last ?? -1));
    if (index === -1) {
      const isKnown = log.some((line) => line.at === at && line.event === data.event);
      return this.#violate(watcher, `is told of ${data.event} of #${life.job} ${isKnown ? "twice" : ", which did not happen"}`);
    }
    const isFirst = last === undefined && watcher.id === null;
    if (!wants(watcher, life, BEGINS[data.event ?? ""]))
      return this.#violate(watcher, `is told of ${data.event} of #${life.job}, which its filter leaves out`);
    const beforeAt = log.findLastIndex((line, place) => place < index && wants(watcher, life, BEGINS[line.event]));
    const before = log[beforeAt];
    const missed = isFirst ? before !== undefined && watcher.since !== null && before.at > watcher.since : beforeAt > (last ?? -1);
    if (missed) this.#violate(watcher, `has not seen ${before?.event} of #${life.job}, and is told of ${data.event}`);
    watcher.last.set(id, index);
    const late = this.#world.now() - at;
    const isSteady = at > Math.max(this.#world.calmSince() + STEADY_MS, (watcher.connectedAt ?? Infinity) + CONNECTED_MS);
    if (isSteady && late > TOLD_WITHIN_MS && BEGINS[data.event ?? ""] !== undefined)
      this.#world.violate("a watcher is told at once", `${watcher.name} is told of ${data.event} of #${life.job} after ${late} ms`);
    if ((name === "log") !== (BEGINS[data.event ?? ""] === undefined)) this.#violate(watcher, `is told of ${data.event} as ${name}`);
    if (name === "final" && data.inference && !toldOf(life.ends, data.inference, 0))
      this.#violate(watcher, `is told of the end ${JSON.stringify(data.inference)}, which #${life.job} did not have`);
  }

  /** Watchers that have not seen an end, and of which inference. */
  behind(): { readonly watcher: Watcher; readonly life: Life; readonly at: number }[] {
    return this.#watchers.flatMap((watcher) => (watcher.isOver ? [] : this.#missing(watcher).map((it) => ({ watcher, ...it }))));
  }

  judge(): void {
    for (const { watcher, life, at } of this.behind()) {
      const late = this.#world.now() - Math.max(at, this.#world.calmSince(), watcher.since ?? 0) - SEEN_WITHIN_MS;
      if (late > 0) this.#violate(watcher, `has not seen the end of #${life.job}, ${late} ms late`);
    }
  }

  /** Inferences that have ended, and of which it should see the last line that it wants, and has not. */
  #missing(watcher: Watcher): { readonly life: Life; readonly at: number }[] {
    const missing: { life: Life; at: number }[] = [];
    for (const life of this.#world.lives()) {
      const { accountId, id, status } = life.row;
      if (accountId !== watcher.accountId || (watcher.id !== null && watcher.id !== id) || !isFinal(status)) continue;
      const log = this.#logOf(life);
      const lastAt = log.findLastIndex((line) => wants(watcher, life, BEGINS[line.event]));
      const at = log[lastAt]?.at ?? 0;
      if (watcher.id === null && (watcher.since === null || at <= watcher.since)) continue;
      if ((watcher.last.get(id) ?? -1) < lastAt) missing.push({ life, at });
    }
    return missing;
  }

  #lifeOf(accountId: string, id: string): Life | undefined {
    for (const life of this.#world.lives()) if (life.row.accountId === accountId && life.row.id === id) return life;
    return undefined;
  }

  #logOf({ row }: Life): readonly LogLine[] {
    const known = this.#logs.get(row.log);
    if (known) return known;
    const log = JSON.parse(row.log) as LogLine[]; // as our statements write it
    if (this.#logs.size > 500) this.#logs.clear();
    this.#logs.set(row.log, log);
    return log;
  }

  #violate(watcher: Watcher, detail: string): void {
    this.#world.violate("a watcher sees every transition in order", `${watcher.name} ${detail}`);
  }
}

/** The statuses that an inference has had since then, by its log. */
export function statusesSince({ row }: Life, since: number): Status[] {
  const begun = (JSON.parse(row.log) as LogLine[]).flatMap(({ at, event }) => (BEGINS[event] ? [{ at, status: BEGINS[event] }] : [])); // as our statements write it
  return begun.flatMap(({ status }, index) => ((begun[index + 1]?.at ?? Infinity) >= since ? [status] : []));
}

const NO_FILTER: Filter = { model: null, statuses: null };

const isFiltered = ({ filter }: Watcher) => filter.model !== null || filter.statuses !== null;

/** Whether a watcher is to be told of a line with which a status begins, or none. */
function wants({ filter: { model, statuses } }: Watcher, { row }: Life, begun: Status | undefined): boolean {
  return (model === null || row.model === model) && (statuses === null || (begun !== undefined && statuses.includes(begun)));
}

/** The stream that an event of an account is of, and its number there. */
function placeIn(id: string | null): readonly [stream: string, number: number] {
  const dot = id?.lastIndexOf(".") ?? -1;
  return [id?.slice(0, dot) ?? "", Number(id?.slice(dot + 1))];
}
