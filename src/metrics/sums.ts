/** PURE. Adds up observations: totals by the labels that Prometheus sees, and rollups by model, version and backend. */
import { ROLLUP_FIELDS } from "../limits.ts";
import { type MetricId, isMetricId, labelsOf, metricOf } from "./list.ts";
import type { Observation } from "./observed.ts";

/** Counts of one step of a part of the deployment: by metric and its other labels, each as an observation's `values`. */
export type Fields = Record<string, readonly number[]>;

/** What a rollup is about; empty texts stand for all. */
export interface Part {
  readonly model: string;
  readonly version: string;
  readonly backend: string;
}

export const WHOLE: Part = { model: "", version: "", backend: "" };

const PART_LABELS: ReadonlySet<string> = new Set(["model", "version", "backend"]);

export function plus(one: readonly number[], other: readonly number[]): number[] {
  return Array.from({ length: Math.max(one.length, other.length) }, (_, index) => (one[index] ?? 0) + (other[index] ?? 0));
}

/** The labels that Prometheus sees. */
export function shownLabels({ metric, labels }: Observation): readonly string[] {
  return labels.slice(0, metricOf(metric).labels.length);
}

/** Where an observation counts in rollups: its part, and the name of its field. Null if its metric is not rolled up. */
export function placeOf({ metric, labels }: Observation): { readonly part: Part; readonly field: string } | null {
  const listed = metricOf(metric);
  if (!("isRolledUp" in listed)) return null;
  const names = labelsOf(listed);
  const value = (name: string) => labels[names.indexOf(name)] ?? "";
  const rest = names.filter((name) => !PART_LABELS.has(name)).map(value);
  return { part: { model: value("model"), version: value("version"), backend: value("backend") }, field: [metric, ...rest].join("|") };
}

/** The labels in a field's name, beside those of its part. */
export function inField(metric: MetricId, field: string): readonly string[] | null {
  const [of, ...labels] = field.split("|");
  return of === metric ? labels : null;
}

/** Adds fields to others, in place; of a gauge the larger one stays. What would be one field too many is counted without its last label, such as an error's code. */
export function addTo(fields: Record<string, readonly number[]>, more: Fields): void {
  for (const [name, values] of Object.entries(more)) {
    const isNew = !Object.hasOwn(fields, name);
    const [metric = "", ...labels] = name.split("|");
    const its = isNew && Object.keys(fields).length >= ROLLUP_FIELDS ? [metric, ...labels.slice(0, -1), "other"].join("|") : name;
    const before = fields[its] ?? [];
    fields[its] =
      isMetricId(metric) && metricOf(metric).type === "gauge" ? [Math.max(before[0] ?? 0, values[0] ?? 0)] : plus(before, values);
  }
}

/** The value below which a share of what a histogram has seen lies, between its bounds by a straight line; null if it has seen nothing. */
export function quantile(buckets: readonly number[], values: readonly number[], share: number): number | null {
  const counts = values.slice(0, buckets.length + 1);
  const all = counts.reduce((sum, count) => sum + count, 0);
  if (all === 0) return null;
  const rank = share * all;
  let below = 0;
  for (const [index, count] of counts.entries()) {
    const [from, to] = [buckets[index - 1] ?? 0, buckets[index]];
    if (to === undefined) break; // beyond the last bound nothing is known
    if (count > 0 && below + count >= rank) return from + ((to - from) * (rank - below)) / count;
    below += count;
  }
  return buckets.at(-1) ?? null;
}
