/**
 * PURE. The one list of metrics. What is counted in isolates, the text that Prometheus scrapes, the rollups behind the overview and
 * the points for Analytics Engine all come from it, so that a name means the same everywhere. No label names an account or a key,
 * and each takes few values: models, backends, routes and codes of ours.
 */

/** Upper bounds in seconds of a histogram for work that may wait or run for hours, and of one for calls. */
export const WORK_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200] as const;
const CALL_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;

interface Described {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
}

/** What is observed as it happens. */
export interface Counter extends Described {
  readonly type: "counter";
  /** Labels that only the rollups keep, after those that Prometheus sees. */
  readonly detail?: readonly string[];
  /** Whether the overview is made of it. */
  readonly isRolledUp?: true;
}

export interface Histogram extends Described {
  readonly type: "histogram";
  readonly buckets: readonly number[];
  readonly detail?: readonly string[];
  readonly isRolledUp?: true;
}

/** What is read when it is asked for, or, if it is observed, the latest value; rollups have the largest of a step. */
export interface Gauge extends Described {
  readonly type: "gauge";
  readonly isObserved?: true;
  readonly isRolledUp?: true;
  /** Not for Prometheus, which takes samples of its own. */
  readonly isForRollups?: true;
}

export type Metric = Counter | Histogram | Gauge;

const LANE = ["model", "version"] as const;

export const METRICS = {
  accepted: {
    type: "counter",
    name: "claimcheck_inferences_accepted_total",
    help: "Inferences that were accepted.",
    labels: LANE,
    isRolledUp: true,
  },
  ended: {
    type: "counter",
    name: "claimcheck_inferences_total",
    help: "Inferences that have ended, by their final status, and by the class of their error if they have one.",
    labels: [...LANE, "end", "class"],
    detail: ["backend", "code"],
    isRolledUp: true,
  },
  queued: {
    type: "histogram",
    name: "claimcheck_queue_seconds",
    help: "Time from submit to first start, of inferences that have started; observed at their end.",
    labels: LANE,
    detail: ["backend"],
    buckets: WORK_SECONDS,
    isRolledUp: true,
  },
  ran: {
    type: "histogram",
    name: "claimcheck_run_seconds",
    help: "Duration of attempts that succeeded.",
    labels: [...LANE, "backend"],
    buckets: WORK_SECONDS,
    isRolledUp: true,
  },
  attempts: {
    type: "counter",
    name: "claimcheck_attempts_total",
    help: "Attempts that have ended, by outcome: succeeded, abandoned, broke (a fault of ours), or the class of the failure.",
    labels: [...LANE, "backend", "outcome"],
    isRolledUp: true,
  },
  refused: {
    type: "counter",
    name: "claimcheck_refused_total",
    help: "Calls refused for their key, for a limit, or since the service could not take them, by the code of the error.",
    labels: ["reason"],
    isRolledUp: true,
  },
  calls: {
    type: "counter",
    name: "claimcheck_http_requests_total",
    help: "HTTP requests that were answered.",
    labels: ["wire", "method", "route", "status"],
  },
  callSeconds: {
    type: "histogram",
    name: "claimcheck_http_request_duration_seconds",
    help: "Time until an answer's headers were ready; a call that waits for its inference takes as long as it waits.",
    labels: ["wire", "method", "route"],
    buckets: CALL_SECONDS,
  },
  deliveries: {
    type: "counter",
    name: "claimcheck_webhook_deliveries_total",
    help: "Attempts at deliveries, by outcome: succeeded, answered (with another status than 2xx), timed_out, unreachable, refused or internal_error.",
    labels: ["outcome"],
    isRolledUp: true,
  },
  unavailable: {
    type: "counter",
    name: "claimcheck_unavailable_total",
    help: "Calls that failed since a part of the platform did not answer in time.",
    labels: ["part"],
  },
  lost: {
    type: "counter",
    name: "claimcheck_metrics_lost_total",
    help: "Reports of isolates that did not arrive, each with some seconds of observations.",
    labels: [],
  },
  swept: {
    type: "gauge",
    name: "claimcheck_sweep_last_run_timestamp_seconds",
    help: "When a pass of the sweep last ended. It sleeps while nothing is open.",
    labels: [],
    isObserved: true,
  },
  depth: {
    type: "gauge",
    name: "claimcheck_queue_depth",
    help: "Inferences that wait: ready to be claimed, or backing off after an attempt.",
    labels: [...LANE, "state"],
  },
  sampledDepth: {
    type: "gauge",
    name: "claimcheck_queue_depth_sampled",
    help: "Inferences that wait, as the sweep looks every minute; without a model, all.",
    labels: LANE,
    isObserved: true,
    isRolledUp: true,
    isForRollups: true,
  },
  oldest: {
    type: "gauge",
    name: "claimcheck_oldest_queued_seconds",
    help: "How long the longest-waiting inference has waited among the first in line that may be claimed; 0 if none waits.",
    labels: LANE,
  },
  slots: {
    type: "gauge",
    name: "claimcheck_backend_slots",
    help: "Inferences that a backend may run at once; 0 while it is draining or paused.",
    labels: [...LANE, "backend"],
  },
  slotsUsed: {
    type: "gauge",
    name: "claimcheck_backend_slots_used",
    help: "Inferences that a backend runs.",
    labels: [...LANE, "backend"],
  },
  circuit: {
    type: "gauge",
    name: "claimcheck_circuit_open",
    help: "1 if a backend's circuit is open or half open, else 0.",
    labels: [...LANE, "backend"],
  },
  leaseOver: {
    type: "gauge",
    name: "claimcheck_oldest_lease_over_seconds",
    help: "For how long the oldest lapsed lease has been over; 0 if none is. The sweep ends each within seconds.",
    labels: [],
  },
  pending: {
    type: "gauge",
    name: "claimcheck_deliveries_pending",
    help: "Deliveries that are to be tried.",
    labels: [],
  },
  overdue: {
    type: "gauge",
    name: "claimcheck_oldest_delivery_overdue_seconds",
    help: "For how long the next attempt at a delivery has been due at most; 0 if none is.",
    labels: [],
  },
  endpoints: {
    type: "gauge",
    name: "claimcheck_endpoints",
    help: "Webhook endpoints that are failing (called all the same), resting, gone or disabled.",
    labels: ["state"],
  },
  databaseBytes: { type: "gauge", name: "claimcheck_database_bytes", help: "Size of the database.", labels: [] },
  databaseLimit: { type: "gauge", name: "claimcheck_database_limit_bytes", help: "What the database can take at most.", labels: [] },
} as const satisfies Record<string, Metric>;

export type MetricId = keyof typeof METRICS;

/** A metric by its id, as one of the list. */
export const metricOf = (id: MetricId): Metric => METRICS[id];

/** Those that Prometheus sees. */
export const SHOWN_METRICS = (Object.keys(METRICS) as MetricId[]).filter((id) => !("isForRollups" in METRICS[id])); // as the list has them

/** Whether a text is the id of a metric of the list. */
export const isMetricId = (text: string): text is MetricId => Object.hasOwn(METRICS, text);

/** All labels of a metric: those that Prometheus sees, and then those that only the rollups keep. */
export function labelsOf(metric: Metric): readonly string[] {
  return "detail" in metric && metric.detail ? [...metric.labels, ...metric.detail] : metric.labels;
}
