/** What is stored, by whom and for how long, and how full the database is. */
import { Link } from "wouter-preact";
import { get } from "../api.ts";
import { Figures, Meter } from "../parts/figures.tsx";
import { Pages, usePages } from "../parts/list.tsx";
import { Failed, Loading } from "../parts/states.tsx";
import { bytes, duration } from "../parts/time.tsx";
import { useLoad } from "../parts/use.ts";
import type { Account, Overview } from "../types.ts";

type Health = Pick<Overview, "database">;

const STATES: Readonly<Record<Health["database"]["state"], string>> = {
  ok: "There is room.",
  filling: "It fills up: shorten retention, or delete inferences.",
  full: "It is full, so submits are refused: shorten retention, or delete inferences.",
};

export function StoragePage() {
  const health = useLoad((signal) => get<Health>("/admin/v1/health", { signal }), []);
  const pages = usePages<Account>("/admin/v1/accounts", { limit: 100 });
  return (
    <>
      <div class="page-head">
        <h1>Storage and retention</h1>
      </div>
      <div class="panels">
        {health.data ? (
          <Room health={health.data} />
        ) : health.error !== null ? (
          <Failed error={health.error} retry={health.reload} />
        ) : (
          <Loading />
        )}
        <Pages
          pages={pages}
          label="Accounts"
          name={({ id }) => id}
          empty={null}
          columns={[
            { title: "Account", cell: ({ id, name }) => <Link href={`/accounts/${id}`}>{name}</Link> },
            {
              title: "Stored",
              cell: ({ stored_bytes, quota_bytes }) => (
                <Meter value={stored_bytes} of={quota_bytes} show={bytes} label="Stored of its quota" />
              ),
            },
            {
              title: "In the database",
              wide: true,
              cell: ({ database_bytes, database_quota_bytes }) => (
                <Meter value={database_bytes} of={database_quota_bytes} show={bytes} label="In the database, of its quota" />
              ),
            },
            { title: "Retention", numeric: true, cell: ({ retention_seconds }) => duration(retention_seconds * 1_000) },
          ]}
        />
      </div>
    </>
  );
}

function Room({ health: { database } }: { readonly health: Health }) {
  const { bytes: used, limit_bytes, state } = database;
  return (
    <Figures
      label="The database"
      figures={[
        {
          title: "Database",
          value: used === null ? "–" : <Meter value={used} of={limit_bytes} show={bytes} label="The database, of what it can hold" />,
          note: STATES[state],
          ...(state === "ok" ? {} : { tone: "bad" as const }),
        },
      ]}
    />
  );
}
