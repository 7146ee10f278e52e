/** An isolate's side of the metrics object: reports what was observed here, and reads what all have. */
import { waitUntil } from "cloudflare:workers";
import { ANALYTICS_POINTS, GATE_MS, METRICS_FIRST_MS, METRICS_REPORT_MS } from "../limits.ts";
import type { MetricsReader } from "../metrics/history.ts";
import { metricOf } from "../metrics/list.ts";
import { type Observation, type Observed } from "../metrics/observed.ts";
import { logError } from "../platform/log.ts";
import { ask, askAgain } from "../platform/unavailable.ts";

const METRICS_NAME = "metrics";

/** A binding that a deployment may have: a data set of Analytics Engine. */
interface Points {
  readonly METRICS_POINTS?: Pick<AnalyticsEngineDataset, "writeDataPoint">;
}

/**
 * Has observations reported: the first after a pause soon, others every METRICS_REPORT_MS, all under `waitUntil`. A report that
 * fails is not repeated, since it may have arrived.
 */
export function reportFrom(observed: Observed, env: Pick<Env, "METRICS"> & Points): void {
  let reportedAt = -Infinity;
  const report = async (): Promise<void> => {
    await scheduler.wait(Math.max(METRICS_FIRST_MS, reportedAt + METRICS_REPORT_MS - Date.now()));
    reportedAt = Date.now();
    const observations = observed.take();
    for (const point of observations.slice(0, ANALYTICS_POINTS).map(pointOf)) env.METRICS_POINTS?.writeDataPoint(point);
    try {
      await env.METRICS.getByName(METRICS_NAME).add(observations); // without a time limit: nobody waits for it
    } catch (error) {
      observed.count("lost", []);
      logError("metrics_not_reported", error);
    }
  };
  observed.onChange(() => waitUntil(report()));
}

/**
 * An observation as a data point: the metric's name as index and first blob, then its labels in the list's order; as doubles a
 * count, or of a histogram how many were measured and their sum in seconds.
 */
function pointOf({ metric, labels, values }: Observation): AnalyticsEngineDataPoint {
  const { name, type } = metricOf(metric);
  const count = values.slice(0, -1).reduce((sum, value) => sum + value, 0);
  return { indexes: [name], blobs: [name, ...labels], doubles: type === "histogram" ? [count, values.at(-1) ?? 0] : [...values] };
}

/** What the metrics object has. */
export function metricsOf(env: Pick<Env, "METRICS">): MetricsReader {
  const object = () => env.METRICS.getByName(METRICS_NAME);
  return {
    totals: () => askAgain(() => ask("metrics", GATE_MS, async () => object().totals())),
    history: (window, filter) => askAgain(() => ask("metrics", GATE_MS, async () => object().history(window, filter))),
  };
}
