/** What failed or expired, by class and code, and running it again: counted first, then page by page. */
import { useEffect, useRef, useState } from "preact/hooks";
import { Link } from "wouter-preact";
import { type Session, get, withQuery } from "../api.ts";
import type { PageProps } from "../parts/page.ts";
import { AccountPicker, useAccount } from "../parts/account-picker.tsx";
import { cureOf } from "../parts/cures.ts";
import { Dialog } from "../parts/dialog.tsx";
import { Select, TextField } from "../parts/field.tsx";
import { Empty, Failed, Loading, messageOf } from "../parts/states.tsx";
import { Table } from "../parts/table.tsx";
import { number } from "../parts/time.tsx";
import { useLoad, useQuery } from "../parts/use.ts";
import type { Counts, Redriven } from "../types.ts";

type Group = Counts["errors"][number];
type Filter = Readonly<Record<string, string>>;

const SINCE = [
  ["", "Any time"],
  ["1", "The last hour"],
  ["24", "The last day"],
  ["168", "The last week"],
] as const;
const HOUR_MS = 3_600_000;
/** Pages of counts that are read before the reader is asked; each looks at some thousands. */
const PAGES = 20;

export function FailuresPage({ session }: PageProps) {
  const [query, change] = useQuery();
  const filter = filterIn(query);
  const key = JSON.stringify(filter);
  const { data, error, loading, reload } = useLoad((signal) => groupsOf(session, filter, signal), [session, key]);
  const [asked, setAsked] = useState<Filter | null>(null);
  return (
    <>
      <div class="page-head">
        <h1>Failures</h1>
        <button type="button" disabled={!data || data.groups.length === 0} onClick={() => setAsked(filter)}>
          Redrive all of these
        </button>
      </div>
      <div class="filter-bar">
        {session.kind === "operator" && <ChooseAccount />}
        <TextField label="Model" value={query.get("model") ?? ""} change={(value) => change({ model: value })} />
        <Select label="Ended in" value={query.get("since") ?? ""} options={SINCE} change={(value) => change({ since: value })} />
      </div>
      {data ? (
        data.groups.length === 0 ? (
          <Empty title="Nothing failed">
            <p>What ended as failed or expired is grouped here by its code.</p>
          </Empty>
        ) : (
          <>
            <Table
              label="Failures"
              rows={data.groups}
              name={({ class: its, code, status }) => `${status} ${its} ${code}`}
              columns={[
                {
                  title: "Code",
                  cell: ({ code, status }) => (
                    <Link href={withQuery("/inferences", { ...linked(filter), error_code: code, status })}>{code}</Link>
                  ),
                },
                { title: "Class", cell: ({ class: its }) => its },
                { title: "End", wide: true, cell: ({ status }) => status },
                {
                  title: "What helps",
                  wide: true,
                  cell: ({ class: its, code }) => <span class="muted">{cureOf({ class: its, code })}</span>,
                },
                { title: "Count", numeric: true, cell: ({ count }) => number(count) },
                {
                  title: "Action",
                  cell: (group) => (
                    <div class="row actions">
                      <button
                        type="button"
                        class="quiet"
                        aria-label={`Redrive ${group.code}`}
                        onClick={() => setAsked({ ...filter, error_code: group.code, error_class: group.class, status: group.status })}
                      >
                        Redrive
                      </button>
                    </div>
                  ),
                },
              ]}
            />
            {data.cut && <p class="muted">There are more inferences than were looked at; choose a shorter time.</p>}
          </>
        )
      ) : error !== null ? (
        <Failed error={error} retry={reload} />
      ) : (
        loading && <Loading what="Counting" />
      )}
      {asked && <Redrive session={session} filter={asked} close={() => setAsked(null)} done={reload} />}
    </>
  );
}

function ChooseAccount() {
  const { id, accounts } = useAccount();
  return <AccountPicker id={id} accounts={accounts} all="All accounts" />;
}

/** The filter in the address; times are to the minute, so that it stays the same for a while. */
function filterIn(query: URLSearchParams): Filter {
  const since = Number(query.get("since") ?? "");
  const from = Math.floor((Date.now() - since * HOUR_MS) / 60_000) * 60_000;
  return Object.fromEntries(
    [
      ["model", query.get("model") ?? ""],
      ["account_id", query.get("account_id") ?? ""],
      ["finished_after", since > 0 ? new Date(from).toISOString() : ""],
    ].filter(([, value]) => value !== ""),
  ) as Filter; // without those that are empty
}

/** The filters that the list of inferences has too. */
const linked = (filter: Filter): Filter => filter;

async function groupsOf(session: Session, filter: Filter, signal: AbortSignal): Promise<{ groups: readonly Group[]; cut: boolean }> {
  const base = session.kind === "operator" ? "/admin/v1" : "/v1";
  const groups = new Map<string, Group>();
  let after: string | null = null;
  for (let page = 0; page < PAGES; page++) {
    const { errors, next }: Counts = await get<Counts>(
      withQuery(`${base}/inferences/counts`, { ...filter, status: "failed,expired", after }),
      { signal },
    );
    for (const group of errors) {
      const name = `${group.status} ${group.class} ${group.code}`;
      groups.set(name, { ...group, count: group.count + (groups.get(name)?.count ?? 0) });
    }
    after = next;
    if (after === null) break;
  }
  return { groups: [...groups.values()].toSorted((one, other) => other.count - one.count), cut: after !== null };
}

interface Standing {
  readonly is: "counting" | "counted" | "running" | "done";
  readonly matched: number;
  readonly redriven: number;
  /** Those that can't run again, by code. */
  readonly refused: Readonly<Record<string, number>>;
}

function counted(was: Standing, { matched = 0, refused }: Redriven): Standing {
  const all = { ...was.refused };
  for (const { code, count } of refused) all[code] = (all[code] ?? 0) + count;
  return { ...was, matched: was.matched + matched, refused: all };
}

/** Counts what would be queued again, asks, and does it; can be stopped between two pages. */
function Redrive({
  session,
  filter,
  close,
  done,
}: {
  readonly session: Session;
  readonly filter: Filter;
  readonly close: () => void;
  readonly done: () => void;
}) {
  const [standing, setStanding] = useState<Standing>({ is: "counting", matched: 0, redriven: 0, refused: {} });
  const [error, setError] = useState<unknown>(null);
  const stopped = useRef(false);
  // What fails again while this goes on is not taken twice.
  const [body] = useState(() => ({ ...filter, finished_before: new Date().toISOString() }));
  const each = async (dryRun: boolean, note: (page: Redriven) => void) => {
    const path = session.kind === "operator" ? "/admin/v1/redrive" : "/v1/inferences/redrive";
    let after: Redriven["next"] | undefined;
    do {
      const page: Redriven = await get<Redriven>(path, { method: "POST", body: { ...body, dry_run: dryRun, ...(after ? { after } : {}) } });
      note(page);
      after = page.next;
    } while (after && !stopped.current);
  };
  const failed = (reason: unknown) => setError(reason);
  useEffect(() => {
    const count = async () => {
      await each(true, (page) => setStanding((was) => counted(was, page)));
      setStanding((was) => ({ ...was, is: "counted" }));
    };
    count().catch(failed);
    return () => void (stopped.current = true);
  }, []);
  const run = async () => {
    setStanding((was) => ({ ...was, is: "running" }));
    await each(false, ({ redriven = 0 }) => setStanding((was) => ({ ...was, redriven: was.redriven + redriven })));
    setStanding((was) => ({ ...was, is: "done" }));
    done();
  };
  const { is, matched, redriven, refused } = standing;
  return (
    <Dialog title={filter["error_code"] ? `Redrive ${filter["error_code"]}` : "Redrive these failures"} close={close}>
      <div role="status">
        {is === "counting" && <p>Counting… {number(matched)} so far.</p>}
        {is === "counted" && (
          <p>
            {number(matched)} {matched === 1 ? "inference" : "inferences"} would be queued again, under the same ids.
          </p>
        )}
        {is === "counted" &&
          Object.entries(refused).map(([code, count]) => (
            <p key={code}>
              {number(count)} can't run again: <code>{code}</code>.
            </p>
          ))}
        {is === "running" && (
          <>
            <p>
              {number(redriven)} of {number(matched)} are queued again.
            </p>
            <progress value={redriven} max={Math.max(1, matched)} aria-label="How far it has come" />
          </>
        )}
        {is === "done" && <p>{number(redriven)} are queued again.</p>}
      </div>
      {error !== null && (
        <p class="notice bad" role="alert">
          {messageOf(error)}
        </p>
      )}
      <div class="row end">
        <button type="button" onClick={close}>
          {is === "running" ? "Stop" : "Close"}
        </button>
        {(is === "counting" || is === "counted") && (
          <button type="button" class="primary" disabled={is !== "counted" || matched === 0} onClick={() => void run().catch(failed)}>
            Redrive {matched > 0 && number(matched)}
          </button>
        )}
      </div>
    </Dialog>
  );
}
