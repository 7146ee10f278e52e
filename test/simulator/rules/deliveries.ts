/**
 * Deliveries, told again in other words than the trigger and the schedule: which events an endpoint has to hear of, in
 * which order, under which id, and when a delivery may be called succeeded, failed, held or canceled. What receivers
 * really got is held against it.
 */
import type { Receipt } from "../outside/receivers.ts";
import type { Change, DeliveryRow, EndpointRow, InferenceRow, WebhookRow } from "../platform/rows.ts";
import type { Actor } from "./lives.ts";

/** From one attempt to the next, in seconds: the example schedule of Standard Webhooks, each a tenth shorter or longer. */
const DELAYS_SECONDS = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/** So long a sender that says nothing more keeps a delivery. */
const SENDER_LOST_MS = 60_000;
const JITTER = 0.1;
const ATTEMPTS = DELAYS_SECONDS.length + 1;
/** Ten attempts take 84 hours at most; the rest is for receivers that ask for time, and for faults. */
const SCHEDULE_MOST_MS = 5 * 86_400_000;
const GONE = 410;
/** Of one inference the deliveries of so many events are kept, the newest, whatever has become of the others. */
const EVENTS_KEPT = 100;
/** From one report of progress to the next, for one endpoint. */
const REPORTS_APART_MS = 5_000;

/** One delivery that an event has made necessary. */
interface Owed {
  readonly key: string;
  readonly url: string;
  readonly event: string;
  readonly at: number;
  /** Of the inference, as the event left it. */
  readonly status: string;
  readonly inferenceId: string;
  readonly accountId: string;
  readonly webhookId: string;
  row: DeliveryRow | null;
  /** Its receiver has answered with a success, or that it wants no more, since it was made or sent again. */
  isTaken: boolean;
  isRefused: boolean;
  /** What was sent before. */
  body: string | null;
}

export interface DeliveriesWorld {
  now(): number;
  violate(rule: string, detail: string): void;
}

export class Deliveries {
  readonly #world: DeliveriesWorld;
  readonly #owed = new Map<string, Owed>();
  readonly #byId = new Map<string, Owed>();
  readonly #reports = new Map<string, DeliveryRow>();
  readonly #reportsById = new Map<string, DeliveryRow>();
  /** When an endpoint was last told of an inference's progress, or is to be. */
  readonly #reportedAt = new Map<string, number>();
  readonly #sequences = new Map<string, number>();
  readonly #inferences = new Map<string, InferenceRow>();
  readonly #webhooks = new Map<string, WebhookRow>();
  readonly #endpoints = new Map<string, EndpointRow>();
  made = 0;
  received = 0;
  doubled = 0;

  constructor(world: DeliveriesWorld) {
    this.#world = world;
  }

  /** What one transaction changed: the events first, since the deliveries of an event are made with it. */
  see(changes: readonly Change[], by: Actor): void {
    const due: Owed[] = [];
    for (const change of changes) {
      if (change.of === "inferences") due.push(...this.#eventOf(change.row, change.isGone));
      else if (change.of === "webhooks") keep(this.#webhooks, `${change.row.accountId}/${change.row.id}`, change);
      else if (change.of === "endpoints") keep(this.#endpoints, `${change.row.accountId}/${change.row.url}`, change);
    }
    for (const change of changes) if (change.of === "deliveries") this.#seeDelivery(change.row, change.isGone, by);
    for (const owed of due) {
      if (owed.row === null)
        this.#world.violate("every end is told", `${owed.event} of ${owed.inferenceId} makes no delivery to ${owed.url}`);
    }
  }

  #eventOf(row: InferenceRow, isGone: boolean): Owed[] {
    const key = `${row.accountId}/${row.id}`;
    const old = this.#inferences.get(key);
    if (isGone) {
      this.#inferences.delete(key);
      return [];
    }
    this.#inferences.set(key, row);
    if (!old || old.status === row.status) return [];
    const event = eventOf(row);
    const own = row.webhook === null ? [] : [{ webhookId: "", ...(JSON.parse(row.webhook) as { url: string; events: string[] }) }];
    const all = [...this.#webhooks.values()].filter(({ accountId }) => accountId === row.accountId);
    const standing = all.map(({ id, url, events }) => ({ webhookId: id, url, events: JSON.parse(events) as string[] }));
    const hearers = [...own, ...standing].filter(({ events }) => events.includes(event));
    if (hearers.length === 0) return [];
    const sequence = (this.#sequences.get(key) ?? 0) + 1;
    this.#sequences.set(key, sequence);
    return hearers.map(({ webhookId, url }) => {
      const place = keyOf({ accountId: row.accountId, inferenceId: row.id, sequence, webhookId });
      const owed: Owed = {
        key: place,
        url,
        event,
        at: this.#world.now(),
        status: row.status,
        inferenceId: row.id,
        accountId: row.accountId,
        webhookId,
        row: null,
        isTaken: false,
        isRefused: false,
        body: null,
      };
      this.#owed.set(place, owed);
      this.#byId.set(`msg_${row.accountId}_${row.id.replaceAll("-", "")}_${sequence}_${webhookId || "0"}`, owed);
      return owed;
    });
  }

  /** A report of progress makes one where it is wanted; it is told once, and the next goes the way of the last. */
  #seeReport(row: DeliveryRow, isGone: boolean): void {
    const key = keyOf(row);
    const ofWhat = `${row.accountId}/${row.inferenceId}`;
    const forWhom = `${ofWhat}/${row.webhookId}`;
    const name = `a report of ${row.inferenceId} for ${row.url}, number ${row.sequence},`;
    if (isGone) return void this.#reports.delete(key);
    const old = this.#reports.get(key);
    this.#reports.set(key, row);
    this.#reportsById.set(`msg_${row.accountId}_${row.inferenceId.replaceAll("-", "")}_${row.sequence}_${row.webhookId || "0"}`, row);
    if (row.attempt > 1 || (row.attempt === 1 && row.status === "pending")) this.#world.violate("a report is told once", `${name} again`);
    if (old) return;
    if (row.event !== "inference.progress" || this.#inferences.get(ofWhat)?.status !== "in_progress")
      this.#world.violate("nothing is told that did not happen", `${name} of what does not run`);
    if (row.createdAt < (this.#reportedAt.get(forWhom) ?? 0) + REPORTS_APART_MS)
      this.#world.violate("reports are told now and then", `${name} comes too early`);
    this.#reportedAt.set(forWhom, row.createdAt);
    if (row.sequence <= (this.#sequences.get(ofWhat) ?? 0)) {
      const isOfTheSame = [...this.#reports.values()].some(
        (it) => it.inferenceId === row.inferenceId && it.sequence === row.sequence && it !== row,
      );
      if (!isOfTheSame) this.#world.violate("events are numbered", `${name} has a number that was there`);
    }
    this.#sequences.set(ofWhat, Math.max(row.sequence, this.#sequences.get(ofWhat) ?? 0));
  }

  #seeDelivery(row: DeliveryRow, isGone: boolean, by: Actor): void {
    if (row.hint === 1) return this.#seeReport(row, isGone);
    const key = keyOf(row);
    const owed = this.#owed.get(key);
    if (!owed || owed.url !== row.url || owed.event !== row.event) {
      this.#world.violate(
        "nothing is told that did not happen",
        `${row.event} for ${row.url}, number ${row.sequence} of ${row.inferenceId}`,
      );
      return;
    }
    const old = owed.row;
    owed.row = row;
    if (isGone) {
      const ofWhat = `${row.accountId}/${row.inferenceId}`;
      if (this.#inferences.has(ofWhat) && row.sequence > (this.#sequences.get(ofWhat) ?? 0) - EVENTS_KEPT)
        this.#world.violate("nothing vanishes", `delivery ${key} was deleted`);
      if (row.status === "pending" && this.#world.now() - owed.at > SCHEDULE_MOST_MS) {
        this.#world.violate("delivered or given up by the schedule", `${key} was still to be tried when its inference went`);
      }
      this.#owed.delete(key);
    } else if (old) this.#judge(owed, old, row, by);
    else this.made++;
  }

  #judge(owed: Owed, old: DeliveryRow, row: DeliveryRow, by: Actor): void {
    const now = this.#world.now();
    const name = `${row.event} of ${row.inferenceId} for ${row.url}`;
    if (row.status === "pending" && row.attempt === 0 && row.lease === null && by.kind === "client") {
      owed.isTaken = owed.isRefused = false; // sent again
      return;
    }
    if (old.status !== "pending") {
      this.#world.violate("a delivery's end stays", `${name} was ${old.status} and is ${row.status}, by ${by.kind}`);
      return;
    }
    if (row.lease !== null && row.lease !== old.lease && (old.dueAt ?? 0) > now) {
      this.#world.violate("the schedule is kept", `${name} is tried ${(old.dueAt ?? 0) - now} ms early`);
    }
    if (row.lease !== null && (row.dueAt ?? 0) - now > SENDER_LOST_MS) {
      this.#world.violate("a lost sender is noticed", `${name} is its sender's for ${(row.dueAt ?? 0) - now} ms`);
    }
    const isCounted = row.attempt !== old.attempt;
    if (isCounted && (row.attempt !== old.attempt + 1 || old.lease === null)) {
      this.#world.violate("attempts count by one", `${name} from ${old.attempt} to ${row.attempt}`);
    }
    switch (row.status) {
      case "pending":
        if (isCounted) this.#judgeDelay(name, row, now);
        break;
      case "succeeded":
        if (!owed.isTaken) this.#world.violate("delivered means taken", `${name} is called delivered, and no receiver took it`);
        break;
      case "failed":
        if (row.attempt < ATTEMPTS && !owed.isRefused)
          this.#world.violate("given up by the schedule", `${name} after attempt ${row.attempt}`);
        break;
      case "held":
        if (!this.#endpoints.get(`${row.accountId}/${row.url}`)?.state) this.#world.violate("held for a reason", name);
        break;
      case "canceled":
        if (row.webhookId === "" || this.#webhooks.has(`${row.accountId}/${row.webhookId}`))
          this.#world.violate("canceled for a reason", name);
        break;
      default:
        row.status satisfies never;
    }
  }

  #judgeDelay(name: string, row: DeliveryRow, now: number): void {
    const delayMs = (row.dueAt ?? 0) - now;
    const seconds = DELAYS_SECONDS[row.attempt - 1];
    if (seconds === undefined || delayMs < Math.floor(seconds * 1_000 * (1 - JITTER))) {
      this.#world.violate("the schedule is kept", `${name} is due again in ${delayMs} ms after attempt ${row.attempt}`);
    }
  }

  /** A receiver has got something. */
  receive({ url, id, body, status }: Receipt): void {
    this.received++;
    const report = this.#reportsById.get(id);
    if (report) return this.#receiveReport(report, url, body);
    const owed = this.#byId.get(id);
    if (!owed) return this.#world.violate("a delivery keeps its id", `${url} was sent ${id}, which is no delivery's`);
    if (owed.url !== url) this.#world.violate("nothing is told that did not happen", `${url} was sent ${id}, which is for ${owed.url}`);
    if (owed.body !== null) this.doubled++;
    if (owed.body !== null && owed.body !== body) this.#world.violate("each attempt sends the same", `${id}: ${owed.body}, then ${body}`);
    owed.body = body;
    const said = JSON.parse(body) as { type: string; timestamp: string; data: { id: string; status: string } };
    const isSo =
      said.type === owed.event &&
      said.data.id === owed.inferenceId &&
      said.data.status === owed.status &&
      Date.parse(said.timestamp) === owed.at;
    if (!isSo)
      this.#world.violate("nothing is told that did not happen", `${id} says ${said.type}, ${said.data.status}, at ${said.timestamp}`);
    if (status >= 200 && status < 300) owed.isTaken = true;
    if (status === GONE) owed.isRefused = true;
  }

  #receiveReport(report: DeliveryRow, url: string, body: string): void {
    const said = JSON.parse(body) as { type: string; data: { id: string; status: string; progress?: object } };
    const isSo =
      said.type === report.event && said.data.id === report.inferenceId && said.data.status === "in_progress" && said.data.progress;
    if (!isSo || url !== report.url) this.#world.violate("nothing is told that did not happen", `${url} was sent the report ${body}`);
  }

  /** Deliveries that should have been tried before then. */
  overdue(before: number): DeliveryRow[] {
    const rows = [...[...this.#owed.values()].flatMap(({ row }) => (row ? [row] : [])), ...this.#reports.values()];
    return rows.filter(({ status, dueAt }) => status === "pending" && (dueAt ?? 0) < before);
  }

  /** Deliveries that have come to no end. */
  get open(): number {
    return this.overdue(Infinity).length;
  }
}

function keep<T>(map: Map<string, T>, key: string, { row, isGone }: { readonly row: T; readonly isGone: boolean }): void {
  if (isGone) map.delete(key);
  else map.set(key, row);
}

function keyOf(it: Pick<DeliveryRow, "accountId" | "inferenceId" | "sequence" | "webhookId">): string {
  return `${it.accountId}/${it.inferenceId}/${it.sequence}/${it.webhookId}`;
}

function eventOf({ status, attempt, attemptsBefore }: InferenceRow): string {
  if (status === "queued") return "inference.progress";
  if (status === "in_progress") return attempt - attemptsBefore === 1 ? "inference.started" : "inference.progress";
  return `inference.${status}`;
}
