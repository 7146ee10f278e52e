/**
 * What the metrics object keeps: totals since ever, and rollups of some minutes to a week. Observations are added in memory and
 * written together; before anything is answered they are written, so that a total once told is never less afterwards: Prometheus
 * takes a counter that falls for one that began anew. SQLite of its Durable Object, or any other.
 */
import * as z from "zod";
import { METRICS_KEPT_MS, METRICS_SERIES, ROLLUP_PARTS } from "../limits.ts";
import type { Row } from "../platform/sql.ts";
import { type History, type HistoryFilter, type Percentiles, WINDOWS, type WindowName } from "./history.ts";
import { METRICS, type MetricId, isMetricId, metricOf } from "./list.ts";
import type { Observation } from "./observed.ts";
import { type Fields, type Part, WHOLE, addTo, inField, placeOf, plus, quantile, shownLabels } from "./sums.ts";

export type Exec = (query: string, ...params: (string | number)[]) => Row[];

const STEPS_SECONDS = Object.values(WINDOWS).map(({ stepSeconds }) => stepSeconds);
/** A step is kept for its window and a few steps more. */
const KEPT_SECONDS = new Map(Object.values(WINDOWS).map(({ seconds, stepSeconds }) => [stepSeconds, seconds + 4 * stepSeconds]));
const PRUNED_MS = 900_000;

const valuesSchema = z.array(z.number());
const seriesSchema = z.object({ metric: z.string(), labels: z.string(), numbers: z.string() });
const rollupSchema = z.object({ at: z.number(), fields: z.string() });
const fieldsSchema = z.record(z.string(), valuesSchema);

interface Series {
  readonly metric: MetricId;
  readonly labels: readonly string[];
  values: readonly number[];
  isChanged: boolean;
}

interface Step extends Part {
  readonly seconds: number;
  readonly at: number;
  readonly fields: Record<string, readonly number[]>;
}

export class MetricsStore {
  readonly #exec: Exec;
  readonly #now: () => number;
  readonly #series = new Map<string, Series>();
  #steps = new Map<string, Step>();
  #prunedAt = -Infinity;
  #partsAt = 0;
  readonly #parts = new Set<string>();

  constructor(exec: Exec, now: () => number) {
    this.#exec = exec;
    this.#now = now;
    exec(`CREATE TABLE IF NOT EXISTS series (metric TEXT NOT NULL, labels TEXT NOT NULL, numbers TEXT NOT NULL, seen_at INTEGER NOT NULL,
      PRIMARY KEY (metric, labels)) WITHOUT ROWID`);
    exec(`CREATE TABLE IF NOT EXISTS rollups (model TEXT NOT NULL, seconds INTEGER NOT NULL, at INTEGER NOT NULL, version TEXT NOT NULL,
      backend TEXT NOT NULL, fields TEXT NOT NULL, PRIMARY KEY (model, seconds, at, version, backend)) WITHOUT ROWID`);
    for (const row of exec("SELECT metric, labels, numbers FROM series")) {
      const { metric, labels, numbers } = seriesSchema.parse(row);
      if (!isMetricId(metric)) continue; // of a version before
      const its = z.array(z.string()).parse(JSON.parse(labels));
      this.#series.set(nameOf(metric, its), {
        metric,
        labels: its,
        values: valuesSchema.parse(JSON.parse(numbers)),
        isChanged: false,
      });
    }
  }

  /** Adds what an isolate has observed. */
  add(observations: readonly Observation[]): void {
    const now = this.#now();
    for (const observation of observations) {
      if (!isMetricId(observation.metric)) continue; // of another version, while one takes the place of the other
      this.#addToTotal(observation);
      const place = placeOf(observation);
      if (!place) continue;
      const more = { [place.field]: observation.values };
      const isSum = metricOf(observation.metric).type !== "gauge"; // what parts have at most adds up to nothing that the whole has
      for (const seconds of STEPS_SECONDS) {
        if (isSum || place.part.model === "") this.#addToStep(WHOLE, seconds, now, more);
        if (place.part.model !== "" && this.#tellsApart(place.part, now)) this.#addToStep(place.part, seconds, now, more);
      }
    }
  }

  #addToTotal(observation: Observation): void {
    const { metric, values } = observation;
    const labels = shownLabels(observation);
    const name = nameOf(metric, labels);
    const known = this.#series.get(name);
    if (!known && this.#series.size >= METRICS_SERIES) return;
    const before = known?.values ?? [];
    const after = metricOf(metric).type === "gauge" ? values : plus(before, values);
    this.#series.set(name, { metric, labels, values: after, isChanged: true });
  }

  /** Whether a part has rollups of its own: as many as ROLLUP_PARTS a step of the longest kind. */
  #tellsApart(part: Part, now: number): boolean {
    const at = beginOf(now, Math.max(...STEPS_SECONDS));
    if (at !== this.#partsAt) this.#parts.clear();
    this.#partsAt = at;
    const name = JSON.stringify(part);
    if (this.#parts.size < ROLLUP_PARTS) this.#parts.add(name);
    return this.#parts.has(name);
  }

  #addToStep(part: Part, seconds: number, now: number, more: Fields): void {
    const at = beginOf(now, seconds);
    const name = JSON.stringify([part.model, part.version, part.backend, seconds, at]);
    const step = this.#steps.get(name) ?? { ...part, seconds, at, fields: {} };
    addTo(step.fields, more);
    this.#steps.set(name, step);
  }

  /** Writes what was added. To be called in one transaction. Returns the totals that have changed. */
  persist(): Observation[] {
    const now = this.#now();
    const changed = [...this.#series.values()].filter(({ isChanged }) => isChanged);
    for (const series of changed) {
      this.#exec(
        "INSERT OR REPLACE INTO series (metric, labels, numbers, seen_at) VALUES (?, ?, ?, ?)",
        series.metric,
        JSON.stringify(series.labels),
        JSON.stringify(series.values),
        now,
      );
      series.isChanged = false;
    }
    for (const { model, version, backend, seconds, at, fields } of this.#steps.values()) {
      const key = [model, seconds, at, version, backend] as const;
      const [row] = this.#exec(
        "SELECT at, fields FROM rollups WHERE model = ? AND seconds = ? AND at = ? AND version = ? AND backend = ?",
        ...key,
      );
      const sum: Record<string, readonly number[]> = row ? fieldsIn(row).fields : {};
      addTo(sum, fields);
      this.#exec(
        "INSERT OR REPLACE INTO rollups (model, seconds, at, version, backend, fields) VALUES (?, ?, ?, ?, ?, ?)",
        ...key,
        JSON.stringify(sum),
      );
    }
    this.#steps = new Map();
    if (now - this.#prunedAt >= PRUNED_MS) this.#prune(now);
    return changed;
  }

  #prune(now: number): void {
    this.#prunedAt = now;
    for (const [seconds, kept] of KEPT_SECONDS) {
      this.#exec("DELETE FROM rollups WHERE seconds = ? AND at < ?", seconds, beginOf(now, seconds) - kept * 1000);
    }
    for (const row of this.#exec("DELETE FROM series WHERE seen_at < ? RETURNING metric, labels, numbers", now - METRICS_KEPT_MS)) {
      const { metric, labels } = seriesSchema.parse(row);
      this.#series.delete(nameOf(metric, z.array(z.string()).parse(JSON.parse(labels))));
    }
  }

  /** All totals, by metric in the list's order. */
  totals(): Observation[] {
    const ids = Object.keys(METRICS);
    return [...this.#series.values()]
      .map(({ metric, labels, values }) => ({ metric, labels, values }))
      .toSorted(
        (one, other) => ids.indexOf(one.metric) - ids.indexOf(other.metric) || (String(one.labels) < String(other.labels) ? -1 : 1),
      );
  }

  /** What happened within a window, step by step: of the whole deployment, or of a part of it. */
  history(window: WindowName, { model, version, backend }: HistoryFilter): History {
    const { seconds, stepSeconds } = WINDOWS[window];
    const steps = seconds / stepSeconds;
    const last = beginOf(this.#now(), stepSeconds);
    const at = Array.from({ length: steps }, (_, index) => last - (steps - 1 - index) * stepSeconds * 1000);
    const only = (column: string, value: string | undefined) => (value === undefined ? "" : ` AND ${column} = ?`);
    const rows = this.#exec(
      `SELECT at, fields FROM rollups WHERE model = ? AND seconds = ? AND at >= ?${only("version", version)}${only("backend", backend)}`,
      model ?? WHOLE.model,
      stepSeconds,
      at[0] ?? 0,
      ...[version, backend].filter((value) => value !== undefined),
    ).map(fieldsIn);
    return historyOf(at, rows, model === undefined);
  }
}

const nameOf = (metric: string, labels: readonly string[]) => JSON.stringify([metric, ...labels]);

const beginOf = (ms: number, seconds: number) => Math.floor(ms / (seconds * 1000)) * seconds * 1000;

function fieldsIn(row: Row): { readonly at: number; readonly fields: Fields } {
  const { at, fields } = rollupSchema.parse(row);
  return { at, fields: fieldsSchema.parse(JSON.parse(fields)) };
}

function historyOf(at: readonly number[], rows: readonly { readonly at: number; readonly fields: Fields }[], isWhole: boolean): History {
  const all: Record<string, readonly number[]> = {};
  for (const { fields } of rows) for (const [name, values] of Object.entries(fields)) all[name] = plus(all[name] ?? [], values);
  /** The counts of a metric, over all steps, by its labels. */
  const counts = (metric: MetricId) =>
    Object.entries(all).flatMap(([field, [count = 0]]) => {
      const labels = inField(metric, field);
      return labels ? [{ labels, count }] : [];
    });
  const byCount = <T extends { readonly count: number }>(some: readonly T[]) => some.toSorted((one, other) => other.count - one.count);
  const line = (metric: MetricId, first?: string) => {
    const sums = new Map<number, number>();
    for (const { at: when, fields } of rows) {
      for (const [field, [count = 0]] of Object.entries(fields)) {
        const labels = inField(metric, field);
        if (labels && (first === undefined || labels[0] === first)) sums.set(when, (sums.get(when) ?? 0) + count);
      }
    }
    return at.map((when) => sums.get(when) ?? 0);
  };
  const spreadOf = (metric: "queued" | "ran", values: readonly number[]): Percentiles => {
    const { buckets } = METRICS[metric];
    const ms = (share: number) => {
      const value = quantile(buckets, values, share);
      return value === null ? null : Math.round(value * 1000);
    };
    const count = values.slice(0, buckets.length + 1).reduce((sum, some) => sum + some, 0);
    return { count, p50: ms(0.5), p90: ms(0.9), p99: ms(0.99) };
  };
  const spread = (metric: "queued" | "ran") => spreadOf(metric, all[metric] ?? []);
  const spreads = (metric: "queued" | "ran") => {
    const sums = new Map<number, readonly number[]>();
    for (const { at: when, fields } of rows) sums.set(when, plus(sums.get(when) ?? [], fields[metric] ?? []));
    return at.map((when) => spreadOf(metric, sums.get(when) ?? []));
  };
  return {
    at,
    accepted: line("accepted"),
    succeeded: line("ended", "succeeded"),
    failed: line("ended", "failed"),
    canceled: line("ended", "canceled"),
    expired: line("ended", "expired"),
    refused: isWhole ? line("refused") : null,
    waiting: line("sampledDepth"),
    queueMs: spread("queued"),
    runMs: spread("ran"),
    queueMsThen: spreads("queued"),
    runMsThen: spreads("ran"),
    ends: byCount(
      counts("ended").flatMap(({ labels: [end = "", errorClass = "", code = ""], count }) =>
        end === "succeeded" ? [] : [{ end, class: errorClass || null, code: code || null, count }],
      ),
    ),
    refusals: byCount(counts("refused").map(({ labels: [reason = ""], count }) => ({ reason, count }))),
    attempts: byCount(counts("attempts").map(({ labels: [outcome = ""], count }) => ({ outcome, count }))),
    deliveries: byCount(counts("deliveries").map(({ labels: [outcome = ""], count }) => ({ outcome, count }))),
  };
}
