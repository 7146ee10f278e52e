/** PURE. What the overview asks of the rollups, and what they answer. */
import type { Observation } from "./observed.ts";

/** For each window: how long it is, and how long each of its steps. */
export const WINDOWS = {
  "1h": { seconds: 3_600, stepSeconds: 60 },
  "24h": { seconds: 86_400, stepSeconds: 900 },
  "7d": { seconds: 604_800, stepSeconds: 3_600 },
} as const;
export type WindowName = keyof typeof WINDOWS;

/** Of what: of a model, a version of it, a backend; all where it is left out. A backend is named with its model and version. */
export interface HistoryFilter {
  readonly model?: string | undefined;
  readonly version?: string | undefined;
  readonly backend?: string | undefined;
}

export interface Percentiles {
  readonly count: number;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p99: number | null;
}

export interface History {
  /** The beginning of each step in ms, oldest first; the last one is not over. */
  readonly at: readonly number[];
  readonly accepted: readonly number[];
  readonly succeeded: readonly number[];
  readonly failed: readonly number[];
  readonly canceled: readonly number[];
  readonly expired: readonly number[];
  /** Calls refused, of the whole deployment; null if only a part of it is asked for. */
  readonly refused: readonly number[] | null;
  /** At most, of samples of a minute; all 0 for a backend. */
  readonly waiting: readonly number[];
  readonly queueMs: Percentiles;
  readonly runMs: Percentiles;
  /** The same step by step. */
  readonly queueMsThen: readonly Percentiles[];
  readonly runMsThen: readonly Percentiles[];
  /** Ends other than successes, the most frequent first. */
  readonly ends: readonly { readonly end: string; readonly class: string | null; readonly code: string | null; readonly count: number }[];
  readonly refusals: readonly { readonly reason: string; readonly count: number }[];
  readonly attempts: readonly { readonly outcome: string; readonly count: number }[];
  readonly deliveries: readonly { readonly outcome: string; readonly count: number }[];
}

/** Reads what the metrics object keeps. */
export interface MetricsReader {
  totals(): Promise<readonly Observation[]>;
  history(window: WindowName, filter: HistoryFilter): Promise<History>;
}
