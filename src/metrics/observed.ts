/**
 * What an isolate has observed since its last report: plain numbers in memory, added up until they are handed on. Observing costs
 * no I/O and, for what is counted on the hot path, nothing that must be freed. It is best effort: what an isolate has not handed
 * on when it dies is lost; exact counts are in the usage ledger.
 */
import { METRICS_SERIES_OBSERVED, METRICS_STUCK_MS } from "../limits.ts";
import { type METRICS, type MetricId, metricOf } from "./list.ts";

type OfType<Type extends "counter" | "histogram" | "gauge"> = {
  [Id in MetricId]: (typeof METRICS)[Id]["type"] extends Type ? Id : never;
}[MetricId];

/** What was observed of one metric with one set of labels. `values`: a count; of a histogram a count by bucket, and last the sum. */
export interface Observation {
  readonly metric: MetricId;
  readonly labels: readonly string[];
  readonly values: readonly number[];
}

const LABEL_CHARACTERS = 128;

/** One metric with one set of labels. It is looked up once and then only added to. */
export class Cell {
  readonly metric: MetricId;
  readonly labels: readonly string[];
  readonly #buckets: readonly number[];
  readonly #onFirst: (cell: Cell) => void;
  #values: number[];
  #isEmpty = true;

  constructor(metric: MetricId, labels: readonly string[], onFirst: (cell: Cell) => void) {
    const listed = metricOf(metric);
    this.metric = metric;
    this.labels = labels;
    this.#buckets = listed.type === "histogram" ? listed.buckets : [];
    this.#onFirst = onFirst;
    this.#values = this.#zero();
  }

  add(count: number): void {
    this.#begin();
    this.#values[0] = (this.#values[0] ?? 0) + count;
  }

  /** Of a histogram: one more of so many seconds. */
  time(seconds: number): void {
    this.#begin();
    const values = this.#values;
    let bucket = 0;
    while (bucket < this.#buckets.length && seconds > (this.#buckets[bucket] ?? 0)) bucket++;
    values[bucket] = (values[bucket] ?? 0) + 1;
    values[values.length - 1] = (values.at(-1) ?? 0) + seconds;
  }

  /** Of a gauge: the value now. */
  set(value: number): void {
    this.#begin();
    this.#values[0] = value;
  }

  take(): Observation {
    const { metric, labels } = this;
    const values = this.#values;
    this.#values = this.#zero();
    this.#isEmpty = true;
    return { metric, labels, values };
  }

  #begin(): void {
    if (!this.#isEmpty) return;
    this.#isEmpty = false;
    this.#onFirst(this);
  }

  #zero(): number[] {
    return Array.from({ length: this.#buckets.length === 0 ? 1 : this.#buckets.length + 2 }, () => 0);
  }
}

export class Observed {
  readonly #cells = new Map<string, Cell>();
  readonly #now: () => number;
  #changed: Cell[] = [];
  #reportsAt = -Infinity;
  #onChange: () => void = () => undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Runs when there is something to report, in the invocation that has observed it; not again before it was taken. */
  onChange(run: () => void): void {
    this.#onChange = run;
  }

  count(metric: OfType<"counter">, labels: readonly string[]): void {
    this.cell(metric, labels).add(1);
  }

  time(metric: OfType<"histogram">, labels: readonly string[], ms: number): void {
    this.cell(metric, labels).time(ms / 1000);
  }

  set(metric: OfType<"gauge">, labels: readonly string[], value: number): void {
    this.cell(metric, labels).set(value);
  }

  /** The cell of these labels, in the metric's order: what it has last is left out if it is empty. Beyond a bound all share one. */
  cell(metric: MetricId, labels: readonly string[]): Cell {
    const name = nameOf(metric, labels);
    const known = this.#cells.get(name);
    if (known) return known;
    if (this.#cells.size >= METRICS_SERIES_OBSERVED) this.#forgetIdle();
    if (this.#cells.size < METRICS_SERIES_OBSERVED) return this.#newCell(name, metric, labels);
    const others = labels.map(() => "other");
    return this.#cells.get(nameOf(metric, others)) ?? this.#newCell(nameOf(metric, others), metric, others);
  }

  #newCell(name: string, metric: MetricId, labels: readonly string[]): Cell {
    const its = labels.map((label) => label.slice(0, LABEL_CHARACTERS));
    const cell = new Cell(metric, its, (changed) => this.#note(changed));
    this.#cells.set(name, cell);
    return cell;
  }

  /** Hands out what was observed since the last call. */
  take(): Observation[] {
    const changed = this.#changed;
    this.#changed = [];
    this.#reportsAt = -Infinity;
    return changed.map((cell) => cell.take());
  }

  #note(cell: Cell): void {
    this.#changed.push(cell);
    const now = this.#now();
    if (now - this.#reportsAt < METRICS_STUCK_MS) return;
    this.#reportsAt = now;
    this.#onChange();
  }

  /** Forgets cells with nothing to report; whoever holds one may go on adding to it. */
  #forgetIdle(): void {
    const changed = new Set(this.#changed);
    for (const [name, cell] of this.#cells) if (!changed.has(cell)) this.#cells.delete(name);
  }
}

const nameOf = (metric: MetricId, labels: readonly string[]) => [metric, ...labels].join("\n");

/** This isolate's. */
export const observed = new Observed(() => Date.now());
