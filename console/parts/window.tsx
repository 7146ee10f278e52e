/** What a deployment, a model or a backend has done over an hour, a day or a week. */
import type { ComponentChildren } from "preact";
import { Link } from "wouter-preact";
import { get, withQuery } from "../api.ts";
import type { Overview } from "../types.ts";
import { Badge, type Tone } from "./badge.tsx";
import { Chart } from "./chart.tsx";
import { type Figure, Figures, Meter } from "./figures.tsx";
import { Table } from "./table.tsx";
import { Ago, duration, number } from "./time.tsx";
import { type Loaded, useEvery, useLoad, useQuery } from "./use.ts";

const WINDOWS = [
  ["1h", "Hour"],
  ["24h", "Day"],
  ["7d", "Week"],
] as const;
/** How often it is read again; an hour's steps are a minute long. */
const REFRESH_MS = 5_000;

export type Filter = Readonly<{ model?: string; version?: string; backend?: string }>;

/** The overview of the window in the address, kept up. */
export function useOverview(filter: Filter): Loaded<Overview> {
  const [query] = useQuery();
  const path = withQuery("/admin/v1/overview", { window: query.get("window") ?? "1h", ...filter });
  const loaded = useLoad((signal) => get<Overview>(path, { signal }), [path]);
  useEvery(REFRESH_MS, loaded.reload);
  return loaded;
}

export function WindowSwitch() {
  const [query, change] = useQuery();
  const chosen = query.get("window") ?? "1h";
  return (
    <div class="chips" role="group" aria-label="Over">
      {WINDOWS.map(([name, text]) => (
        <button
          key={name}
          type="button"
          class="chip"
          aria-pressed={chosen === name}
          onClick={() => change({ window: name === "1h" ? null : name })}
        >
          {text}
        </button>
      ))}
    </div>
  );
}

const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);

export function Window({
  overview,
  first = [],
  children,
}: {
  readonly overview: Overview;
  readonly first?: readonly Figure[];
  readonly children?: ComponentChildren;
}) {
  const { series, queue_ms, run_ms } = overview;
  const ended = sum(series.succeeded) + sum(series.failed) + sum(series.expired);
  const success = ended === 0 ? "–" : `${(Math.floor((sum(series.succeeded) / ended) * 1_000) / 10).toFixed(1)} %`;
  return (
    <>
      <Figures
        label="At a glance"
        figures={[
          ...first,
          { title: "Accepted", value: number(sum(series.accepted)) },
          {
            title: "Succeeded",
            value: success,
            note: `${number(ended)} ended`,
            ...(sum(series.failed) > 0 ? { tone: "warn" as const } : {}),
          },
          { title: "Wait, half within", value: ms(queue_ms.p50), note: `90 % ${ms(queue_ms.p90)}, 99 % ${ms(queue_ms.p99)}` },
          { title: "Run, half within", value: ms(run_ms.p50), note: `90 % ${ms(run_ms.p90)}, 99 % ${ms(run_ms.p99)}` },
          ...(series.refused ? [{ title: "Refused calls", value: number(sum(series.refused)) }] : []),
        ]}
      />
      <div class="charts">
        <Chart
          title="Throughput"
          at={series.at}
          lines={[
            { title: "Accepted", tone: "accent", values: series.accepted },
            { title: "Succeeded", tone: "good", values: series.succeeded },
          ]}
        />
        <Chart
          title={series.refused ? "Failures and refusals" : "Failures"}
          at={series.at}
          lines={[
            { title: "Failed", tone: "bad", values: series.failed },
            { title: "Expired", tone: "warn", values: series.expired },
            { title: "Canceled", tone: "muted", values: series.canceled },
            ...(series.refused ? [{ title: "Refused", tone: "run" as const, values: series.refused }] : []),
          ]}
        />
        <Chart
          title="Waits and run times"
          at={series.at}
          unit="ms"
          lines={[
            { title: "Wait, half within", tone: "accent", values: series.queue_p50_ms },
            { title: "Wait, 90 % within", tone: "muted", values: series.queue_p90_ms },
            { title: "Run, half within", tone: "good", values: series.run_p50_ms },
            { title: "Run, 90 % within", tone: "warn", values: series.run_p90_ms },
          ]}
        />
        <Chart title="Queue" at={series.at} unit="level" lines={[{ title: "Waiting, at most", tone: "run", values: series.queued }]} />
      </div>
      {children}
    </>
  );
}

const ms = (value: number | null) => (value === null ? "–" : duration(value));

/** Ends other than successes, each with a link to them. */
export function Ends({ overview, query = {} }: { readonly overview: Overview; readonly query?: Readonly<Record<string, string>> }) {
  if (overview.ends.length === 0) return <p class="muted">Nothing ended other than well.</p>;
  return (
    <Table
      label="Ends other than successes"
      rows={overview.ends}
      name={({ end, class: its, code }) => `${end} ${its ?? ""} ${code ?? ""}`}
      columns={[
        {
          title: "Code",
          cell: ({ end, code }) => <Link href={withQuery("/inferences", { ...query, status: end, error_code: code })}>{code ?? end}</Link>,
        },
        { title: "Class", cell: ({ class: its }) => its ?? "–" },
        { title: "End", wide: true, cell: ({ end }) => end },
        { title: "Count", numeric: true, cell: ({ count }) => number(count) },
      ]}
    />
  );
}

type BackendRow = Overview["backends"][number];

const CIRCUITS: Readonly<Record<string, readonly [Tone, string]>> = {
  closed: ["good", "works"],
  open: ["bad", "rests"],
  half_open: ["warn", "is tried"],
};

/** Whether a backend is given work, in a word. */
export function Standing({ state, circuit }: { readonly state: string; readonly circuit: string }) {
  if (state !== "active") return <Badge tone="neutral" text={state} />;
  const [tone, text] = CIRCUITS[circuit] ?? ["neutral", circuit];
  return <Badge tone={tone} text={text} />;
}

export function BackendTable({ backends, now }: { readonly backends: readonly BackendRow[]; readonly now: number }) {
  if (backends.length === 0) return <p class="muted">No backend serves it, so nothing is run.</p>;
  return (
    <Table
      label="Backends"
      rows={backends}
      name={({ id }) => id}
      columns={[
        { title: "Backend", cell: ({ id, url }) => <Link href={`/backends/${id}`}>{hostOf(url)}</Link> },
        { title: "Model", wide: true, cell: ({ model, version }) => named(model, version) },
        { title: "State", cell: ({ state, circuit }) => <Standing state={state} circuit={circuit.state} /> },
        { title: "Slots", cell: ({ in_progress, slots }) => <Meter value={in_progress} of={slots} label="Slots in use" /> },
        { title: "Mean run", wide: true, numeric: true, cell: ({ mean_run_ms }) => ms(mean_run_ms) },
        {
          title: "Last error",
          wide: true,
          cell: ({ circuit: { last_error } }) =>
            last_error ? (
              <span title={last_error.message}>
                {last_error.code} <span class="muted">{<Ago at={last_error.at} now={now} />}</span>
              </span>
            ) : (
              <span class="muted">none</span>
            ),
        },
      ]}
    />
  );
}

export const named = (model: string, version: string | null) => (version ? `${model} ${version}` : model);

/** What tells servers apart at a glance. */
export function hostOf(url: string): string {
  const { host, pathname } = new URL(url);
  return host + (pathname === "/" ? "" : pathname);
}
