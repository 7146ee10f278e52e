/** `/metrics`: what Prometheus scrapes, with the operator's token. Counters and histograms come from the metrics object, gauges from the database. */
import type { Backend } from "../backends/store.ts";
import { type Call, type RouteShape, route } from "../http/route.ts";
import { type Gauges, gaugesOf } from "../maintenance/gauges.ts";
import { FORMATS, type Sample, textOf } from "../metrics/text.ts";

const METRICS_SHAPE = {
  summary: "Get the deployment's metrics in the text format of Prometheus, or as OpenMetrics if `Accept` asks for it.",
  answers: {
    200: {
      description: "All metrics.",
      other: { "text/plain": "Prometheus text format 0.0.4.", "application/openmetrics-text": "OpenMetrics 1.0." },
    },
  },
} as const satisfies RouteShape;

export const metricsRoutes = [route("operator", "GET", "/metrics", METRICS_SHAPE, getMetrics)];

async function getMetrics(call: Call): Promise<Response> {
  const [totals, gauges] = await Promise.all([call.metrics.totals(), gaugesOf(call.ports)]);
  const format = (call.request.headers.get("accept") ?? "").includes("application/openmetrics-text") ? "openMetrics" : "prometheus";
  return new Response(textOf([...totals, ...samplesOf(gauges)], format), {
    headers: { "Content-Type": FORMATS[format], "Cache-Control": "private, no-store" },
  });
}

function samplesOf({ lanes, backends, deliveries, database }: Gauges): Sample[] {
  const { pending, overdueMs, leaseOverMs, failing, rested, gone, disabled } = deliveries;
  const one = (metric: Sample["metric"], value: number, labels: readonly string[] = []): Sample => ({ metric, labels, values: [value] });
  const endpoints = Object.entries({ failing, rested, gone, disabled });
  return [
    ...lanes.flatMap(({ model, version, ready, later, oldestMs }) => [
      one("depth", ready, [model, version, "ready"]),
      one("depth", later, [model, version, "later"]),
      one("oldest", oldestMs / 1000, [model, version]),
    ]),
    ...backends.flatMap((backend) => samplesOfBackend(backend)),
    one("leaseOver", leaseOverMs / 1000),
    one("pending", pending),
    one("overdue", overdueMs / 1000),
    ...endpoints.map(([state, count]) => one("endpoints", count, [state])),
    ...(database.bytes === null ? [] : [one("databaseBytes", database.bytes)]),
    one("databaseLimit", database.limitBytes),
  ];
}

function samplesOfBackend({ model, version, id, state, maxConcurrency, inProgress, circuit }: Backend): Sample[] {
  const labels = [model, version, id];
  return [
    { metric: "slots", labels, values: [state === "active" ? maxConcurrency : 0] },
    { metric: "slotsUsed", labels, values: [inProgress] },
    { metric: "circuit", labels, values: [circuit === "closed" ? 0 : 1] },
  ];
}
