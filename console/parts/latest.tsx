/** The newest inferences that a filter lets through, with a link to all of them. */
import { Link } from "wouter-preact";
import { type Filters, type Row, listPage, pageOf } from "../inferences.ts";
import { type Session, withQuery } from "../api.ts";
import { Status } from "./badge.tsx";
import { Failed, Loading } from "./states.tsx";
import { Table } from "./table.tsx";
import { Ago, duration } from "./time.tsx";
import { useEvery, useLoad, useNow } from "./use.ts";

const SHOWN = 10;
const REFRESH_MS = 5_000;

export function Latest({ session, filters, title }: { readonly session: Session; readonly filters: Filters; readonly title: string }) {
  const key = JSON.stringify(filters);
  const { data, error, reload } = useLoad((signal) => listPage(session, filters, null, signal), [session, key]);
  useEvery(REFRESH_MS, reload);
  const now = useNow(REFRESH_MS);
  return (
    <section aria-label={title}>
      <div class="spread">
        <h2>{title}</h2>
        <Link href={withQuery("/inferences", filters)}>All</Link>
      </div>
      {data ? (
        data.data.length === 0 ? (
          <p class="muted">There is none yet.</p>
        ) : (
          <Table label={title} rows={data.data.slice(0, SHOWN)} name={({ id }) => id} columns={columnsAt(now)} />
        )
      ) : error !== null ? (
        <Failed error={error} retry={reload} />
      ) : (
        <Loading />
      )}
    </section>
  );
}

const columnsAt = (now: number) => [
  {
    title: "Inference",
    cell: (row: Row) => (
      <Link href={pageOf(row)}>
        <code>…{row.id.slice(-12)}</code>
      </Link>
    ),
  },
  { title: "Status", cell: ({ status }: Row) => <Status status={status} /> },
  { title: "Model", wide: true, cell: ({ model, version }: Row) => (version ? `${model} ${version}` : model) },
  { title: "Error", wide: true, cell: ({ error }: Row) => <span class="muted">{error?.code}</span> },
  { title: "Attempts", wide: true, numeric: true, cell: ({ attempts }: Row) => attempts },
  { title: "Took", wide: true, numeric: true, cell: ({ metrics }: Row) => (metrics.total_ms === null ? "" : duration(metrics.total_ms)) },
  { title: "Submitted", numeric: true, cell: ({ created_at }: Row) => <Ago at={created_at} now={now} /> },
];
