/** An isolate's side of the metrics object: reports what was observed here, and reads what all have. */
import { waitUntil } from "cloudflare:workers";
import { GATE_MS, METRICS_FIRST_MS, METRICS_REPORT_MS } from "../limits.ts";
import type { MetricsReader } from "../metrics/history.ts";
import { type Observed } from "../metrics/observed.ts";
import { logError } from "../platform/log.ts";
import { ask, askAgain } from "../platform/unavailable.ts";

const METRICS_NAME = "metrics";

/**
 * Has observations reported: the first after a pause soon, others every METRICS_REPORT_MS, all under `waitUntil`. A report that
 * fails is not repeated, since it may have arrived.
 */
export function reportFrom(observed: Observed, env: Pick<Env, "METRICS">): void {
  let reportedAt = -Infinity;
  const report = async (): Promise<void> => {
    await scheduler.wait(Math.max(METRICS_FIRST_MS, reportedAt + METRICS_REPORT_MS - Date.now()));
    reportedAt = Date.now();
    const observations = observed.take();
    try {
      await ask("metrics", GATE_MS, () => env.METRICS.getByName(METRICS_NAME).add(observations));
    } catch (error) {
      observed.count("lost", []);
      logError("metrics_not_reported", error);
    }
  };
  observed.onChange(() => waitUntil(report()));
}

/** What the metrics object has. */
export function metricsOf(env: Pick<Env, "METRICS">): MetricsReader {
  const object = () => env.METRICS.getByName(METRICS_NAME);
  return {
    totals: () => askAgain(() => ask("metrics", GATE_MS, async () => object().totals())),
    history: (window, filter) => askAgain(() => ask("metrics", GATE_MS, async () => object().history(window, filter))),
  };
}
