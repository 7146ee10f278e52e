/** The list of inferences, which changes as they do. Its filters stand in the address, so that a link shows the same. */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { type Session, get } from "../api.ts";
import { type Filters, type Row, changesOf, countOf, filtersIn, listPage, pageOf, pathOf } from "../inferences.ts";
import type { PageProps } from "../parts/page.ts";
import { Status } from "../parts/badge.tsx";
import { FilterBar } from "../parts/filter-bar.tsx";
import { Empty, Failed, Loading, messageOf } from "../parts/states.tsx";
import { type Column, LongTable } from "../parts/table.tsx";
import { Ago, duration, number } from "../parts/time.tsx";
import { useEvery, useLoad, useNow, useQuery } from "../parts/use.ts";

const STATUSES = ["queued", "in_progress", "succeeded", "failed", "canceled", "expired"] as const;
/** How often the list is read again where events come, and where they can't be had. */
const REFRESH_MS = 1_000;
const POLL_MS = 2_500;
/** Counting looks at many rows, so it is done less often. */
const COUNT_MS = 5_000;
/** Rows further down that still run, and are read one by one where no events can be had. */
const READ_ALONE = 10;

export function Inferences({ session }: PageProps) {
  const [query, change] = useQuery();
  const key = query.toString();
  const filters = useMemo(() => filtersIn(query), [key]);
  const { rows, more, error, loading, retry, changes } = useRows(session, filters);
  const [counted, setCounted] = useState(0);
  const counts = useLoad((signal) => countOf(session, filters, signal), [session, key, counted]);
  useEvery(COUNT_MS, () => setCounted(changes));
  const now = useNow(1_000);
  return (
    <>
      <div class="page-head">
        <h1>Inferences</h1>
        <StatusTabs chosen={filters.status ?? ""} counts={counts.data} choose={(status) => change({ status })} />
      </div>
      <FilterBar session={session} filters={filters} change={change} />
      {error !== null && rows.length > 0 && (
        <p class="notice bad" role="status">
          This is not up to date: {messageOf(error)}
        </p>
      )}
      {error !== null && rows.length === 0 ? (
        <Failed error={error} retry={retry} />
      ) : rows.length > 0 ? (
        <LongTable
          label="Inferences"
          columns={columnsOf(session, now)}
          rows={rows}
          name={nameOf}
          open={pageOf}
          more={more}
          labelOf={labelOf}
        />
      ) : loading ? (
        <Loading />
      ) : (
        <Empty title={key === "" ? "No inference yet" : "No inference fits these filters"}>
          {key === "" ? <p>What is submitted appears here as it comes.</p> : null}
        </Empty>
      )}
    </>
  );
}

const nameOf = (row: Row) => row.id;
const labelOf = ({ model, status, id }: Row) => `${model}, ${status.replace("_", " ")}, ${id}`;

/** The rows that the filters let through, as far as they were asked for, and kept up with what happens. */
function useRows(session: Session, filters: Filters) {
  const [known, setKnown] = useState<ReadonlyMap<string, Row>>(new Map());
  const [next, setNext] = useState<string | null>(null);
  const [state, setState] = useState<{ readonly error: unknown; readonly loading: boolean }>({ error: null, loading: true });
  const [changes, setChanges] = useState(0);
  const [turn, setTurn] = useState(0);
  const asking = useRef<string | null>(null);
  const changed = useRef(false);
  const [follows, setFollows] = useState(false);

  const merge = (data: readonly Row[]) => setKnown((were) => new Map([...were, ...data.map((row) => [row.id, row] as const)]));

  useEffect(() => {
    const left = new AbortController();
    setState({ error: null, loading: true });
    asking.current = null;
    listPage(session, filters, null, left.signal).then(
      (page) => {
        if (left.signal.aborted) return;
        setKnown(new Map(page.data.map((row) => [row.id, row])));
        setNext(page.next);
        return setState({ error: null, loading: false });
      },
      (error: unknown) => {
        if (!left.signal.aborted) setState({ error, loading: false });
      },
    );
    return () => left.abort();
  }, [session, filters, turn]);

  const refresh = async () => {
    try {
      const first = await listPage(session, filters, null);
      const shown = new Set(first.data.map(({ id }) => id));
      const running = [...known.values()].filter(({ id, is_final }) => !is_final && !shown.has(id));
      const alone = session.kind === "operator" ? running.slice(0, READ_ALONE) : [];
      merge([
        ...first.data,
        ...(await Promise.all(alone.map((row) => get<Row>(pathOf(session, { id: row.id, account: row.account_id }))))),
      ]);
      setChanges((was) => was + 1);
      setState((was) => (was.error === null ? was : { ...was, error: null }));
    } catch (error) {
      setState((was) => ({ ...was, error }));
    }
  };

  // An account's events say at once what changed; the list is read again for what is new. Without them it is asked for.
  useEffect(() => {
    if (session.kind === "operator") return;
    const left = new AbortController();
    const follow = async () => {
      setFollows(true);
      for await (const row of changesOf(null, left.signal)) {
        if (row) setKnown((were) => (were.has(row.id) ? new Map([...were, [row.id, row]]) : were));
        changed.current = true;
      }
    };
    follow()
      .catch((error: unknown) => left.signal.aborted || setState((was) => ({ ...was, error })))
      .finally(() => left.signal.aborted || setFollows(false));
    return () => left.abort();
  }, [session]);
  useEvery(follows ? REFRESH_MS : POLL_MS, () => {
    if (follows && !changed.current) return;
    changed.current = false;
    void refresh();
  });

  const rows = useMemo(() => inOrder(known, filters), [known, filters]);
  const more = useMemo(() => {
    if (next === null) return null;
    return () => {
      if (asking.current === next) return;
      asking.current = next;
      listPage(session, filters, next).then(
        (page) => {
          if (asking.current !== next) return;
          merge(page.data);
          return setNext(page.next);
        },
        (error: unknown) => setState((was) => ({ ...was, error })),
      );
    };
  }, [session, filters, next]);
  return { rows, more, ...state, changes, retry: () => setTurn((was) => was + 1) };
}

/** Newest first unless asked otherwise; ids are in the order of time. A row that fits no more is left out. */
function inOrder(known: ReadonlyMap<string, Row>, { order, status }: Filters): readonly Row[] {
  const statuses = status?.split(",");
  const sign = order === "asc" ? 1 : -1;
  return [...known.values()]
    .filter((row) => statuses === undefined || statuses.includes(row.status))
    .toSorted((one, other) => compare(one.account_id ?? "", other.account_id ?? "") || sign * compare(one.id, other.id));
}

const compare = (one: string, other: string) => (one < other ? -1 : one > other ? 1 : 0);

function StatusTabs({
  chosen,
  counts,
  choose,
}: {
  readonly chosen: string;
  readonly counts: Awaited<ReturnType<typeof countOf>> | null;
  readonly choose: (status: string) => void;
}) {
  const all = counts ? Object.values(counts.counts).reduce((sum, count) => sum + count, 0) : null;
  const more = counts?.next ? "+" : "";
  const tab = (status: string, text: string, count: number | null) => (
    <button
      key={status}
      type="button"
      class="chip"
      aria-pressed={chosen === status}
      onClick={() => choose(chosen === status ? "" : status)}
    >
      {text} {count !== null && <span class="chip-count">{number(count) + more}</span>}
    </button>
  );
  return (
    <div class="chips" role="group" aria-label="By status">
      {tab("", "All", all)}
      {STATUSES.map((status) => tab(status, status.replace("_", " "), counts ? counts.counts[status] : null))}
    </div>
  );
}

function columnsOf(session: Session, now: number): readonly Column<Row>[] {
  return [
    { title: "Model", width: "minmax(0, 1.4fr)", cell: ({ model, version }) => (version ? `${model} ${version}` : model) },
    { title: "Status", width: "7.5rem", cell: ({ status }) => <Status status={status} /> },
    ...(session.kind === "operator"
      ? [{ title: "Account", width: "8.5rem", wide: true, cell: ({ account_id }: Row) => <code>{account_id}</code> }]
      : []),
    { title: "Id", width: "8.5rem", wide: true, cell: ({ id }) => <code title={id}>…{id.slice(-12)}</code> },
    { title: "Note", width: "minmax(0, 1.6fr)", wide: true, cell: noteOf },
    { title: "Attempts", width: "5rem", wide: true, numeric: true, cell: ({ attempts }) => attempts },
    { title: "Took", width: "6.5rem", wide: true, numeric: true, cell: (row) => tookOf(row, now) },
    { title: "Submitted", width: "6.5rem", numeric: true, cell: ({ created_at }) => <Ago at={created_at} now={now} /> },
  ];
}

/** A list does not reckon places in the line; so it says nothing of those who wait for their turn. */
const WAITS: Readonly<Record<string, string>> = {
  retry_backoff: "to be tried again",
  scheduled: "for its time",
};

function noteOf({ status, error, waiting_on, progress }: Row) {
  if (error) return <span class="muted">{error.code}</span>;
  if (status === "queued") return <span class="muted">{WAITS[waiting_on ?? ""]}</span>;
  if (!progress) return null;
  const share = progress.progress === null ? "" : `${Math.round(progress.progress * 100)} %`;
  return <span class="muted">{[share, progress.message].filter(Boolean).join(" · ")}</span>;
}

function tookOf({ status, metrics, started_at, created_at }: Row, now: number): string {
  if (metrics.total_ms !== null) return duration(metrics.total_ms);
  return duration(now - Date.parse(status === "in_progress" && started_at ? started_at : created_at));
}
