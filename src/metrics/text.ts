/**
 * PURE. Metrics as text: Prometheus's format 0.0.4, or OpenMetrics 1.0 where the scraper asks for that. A histogram's buckets are
 * cumulative, and the last is "+Inf".
 */
import { type Metric, type MetricId, SHOWN_METRICS, metricOf } from "./list.ts";

/** One value of a metric with its labels in the metric's order; of a histogram a count by bucket, and last the sum. */
export interface Sample {
  readonly metric: MetricId;
  readonly labels: readonly string[];
  readonly values: readonly number[];
}

export const FORMATS = {
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
  openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
} as const;
export type Format = keyof typeof FORMATS;

/** All metrics of the list, each with its samples; one without samples has only its description. */
export function textOf(samples: readonly Sample[], format: Format): string {
  const byMetric = Map.groupBy(samples, ({ metric }) => metric);
  const lines = SHOWN_METRICS.flatMap((id) => {
    const metric = metricOf(id);
    // OpenMetrics names a counter without the suffix of its samples.
    const name = format === "openMetrics" && metric.type === "counter" ? metric.name.replace(/_total$/, "") : metric.name;
    const about = [`# HELP ${name} ${escapedHelp(metric.help)}`, `# TYPE ${name} ${metric.type}`];
    return [...about, ...(byMetric.get(id) ?? []).flatMap((sample) => linesOf(metric, sample))];
  });
  return `${lines.join("\n")}\n${format === "openMetrics" ? "# EOF\n" : ""}`;
}

function linesOf(metric: Metric, { labels, values }: Sample): string[] {
  const pairs = metric.labels.map((label, index) => `${label}="${escapedLabel(labels[index] ?? "")}"`);
  const line = (suffix: string, value: number, more: readonly string[] = []) => {
    const all = [...pairs, ...more];
    return `${metric.name}${suffix}${all.length === 0 ? "" : `{${all.join(",")}}`} ${value}`;
  };
  if (metric.type !== "histogram") return [line("", values[0] ?? 0)];
  let count = 0;
  const buckets = [...metric.buckets, "+Inf"].map((bound, index) => {
    count += values[index] ?? 0;
    return line("_bucket", count, [`le="${bound}"`]);
  });
  return [...buckets, line("_sum", values.at(-1) ?? 0), line("_count", count)];
}

const escapedHelp = (text: string) => text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
const escapedLabel = (text: string) => escapedHelp(text).replaceAll('"', '\\"');
