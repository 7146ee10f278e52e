/** What the deployment does now, and has done lately. */
import { Link } from "wouter-preact";
import { Figures, Meter } from "../parts/figures.tsx";
import { Empty, Failed, Loading } from "../parts/states.tsx";
import { Table } from "../parts/table.tsx";
import { bytes, duration, number } from "../parts/time.tsx";
import { useNow } from "../parts/use.ts";
import { BackendTable, Ends, Window, WindowSwitch, named, useOverview } from "../parts/window.tsx";
import type { Overview } from "../types.ts";

const sum = (values: readonly number[]) => values.reduce((all, value) => all + value, 0);

export function OverviewPage() {
  const { data, error, reload } = useOverview({});
  const now = useNow(5_000);
  return (
    <>
      <div class="page-head">
        <h1>Overview</h1>
        <WindowSwitch />
      </div>
      {data ? <Drawn overview={data} now={now} /> : error !== null ? <Failed error={error} retry={reload} /> : <Loading />}
    </>
  );
}

function Drawn({ overview, now }: { readonly overview: Overview; readonly now: number }) {
  const { models, backends } = overview;
  const queued = sum(models.map((one) => one.queued));
  const oldest = Math.max(-1, ...models.map(({ oldest_queued_seconds: seconds }) => seconds ?? -1));
  const resting = backends.filter(({ state, circuit }) => state === "active" && circuit.state === "open").length;
  return (
    <div class="panels">
      <Window
        overview={overview}
        first={[
          { title: "Queued", value: number(queued), note: oldest < 0 ? "nothing waits" : `the oldest for ${duration(oldest * 1_000)}` },
          {
            title: "Running",
            value: `${number(sum(models.map((one) => one.in_progress)))} / ${number(sum(models.map(({ slots }) => slots)))}`,
            note: resting > 0 ? `${resting} of ${backends.length} backends rest` : "slots in use",
            ...(resting > 0 ? { tone: "bad" as const } : {}),
          },
        ]}
      />
      <section aria-labelledby="models">
        <h2 id="models">Models</h2>
        {models.length === 0 ? (
          <Empty title="There is no model yet">
            <Link href="/models">Add one</Link>
          </Empty>
        ) : (
          <Table
            label="Models"
            rows={models}
            name={({ model, version }) => named(model, version)}
            columns={[
              {
                title: "Model",
                cell: ({ model, version }) => <Link href={`/models/${encodeURIComponent(model)}`}>{named(model, version)}</Link>,
              },
              { title: "Queued", numeric: true, cell: (one) => number(one.queued) },
              {
                title: "Oldest",
                numeric: true,
                wide: true,
                cell: ({ oldest_queued_seconds: seconds }) => (seconds === null ? "–" : duration(seconds * 1_000)),
              },
              { title: "Slots", cell: ({ in_progress, slots }) => <Meter value={in_progress} of={slots} label="Slots in use" /> },
              { title: "Backends", numeric: true, wide: true, cell: (one) => number(one.backends) },
            ]}
          />
        )}
      </section>
      <section aria-labelledby="backends">
        <h2 id="backends">Backends</h2>
        <BackendTable backends={backends} now={now} />
      </section>
      <div class="halves">
        <section aria-labelledby="ends">
          <h2 id="ends">Failures by code</h2>
          <Ends overview={overview} />
        </section>
        <section aria-labelledby="refused">
          <h2 id="refused">Refused calls</h2>
          {overview.refusals.length === 0 ? (
            <p class="muted">No call was refused.</p>
          ) : (
            <Table
              label="Refused calls"
              rows={overview.refusals}
              name={({ reason }) => reason}
              columns={[
                { title: "Reason", cell: ({ reason }) => reason },
                { title: "Count", numeric: true, cell: ({ count }) => number(count) },
              ]}
            />
          )}
        </section>
      </div>
      <Outward overview={overview} />
    </div>
  );
}

/** Webhooks, and the room that is left. */
function Outward({ overview: { deliveries, database } }: { readonly overview: Overview }) {
  const { endpoints } = deliveries;
  const stopped = endpoints.rested + endpoints.gone;
  return (
    <section class="panel" aria-labelledby="outward">
      <h2 id="outward">Webhooks and storage</h2>
      <Figures
        label="Webhooks and storage"
        figures={[
          {
            title: "Deliveries pending",
            value: number(deliveries.pending),
            note:
              deliveries.oldest_overdue_seconds > 0 ? `overdue for ${duration(deliveries.oldest_overdue_seconds * 1_000)}` : "none is late",
          },
          {
            title: "Endpoints failing",
            value: number(endpoints.failing),
            note: stopped > 0 ? `${number(stopped)} more are not called any more` : "none was given up",
            ...(stopped > 0 ? { tone: "warn" as const } : {}),
          },
          {
            title: "Database",
            value: database.bytes === null ? "–" : bytes(database.bytes),
            note: `of ${bytes(database.limit_bytes)}`,
            ...(database.state === "ok" ? {} : { tone: "bad" as const }),
          },
        ]}
      />
    </section>
  );
}
