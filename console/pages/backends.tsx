/** The GPU servers, of all models. */
import { useState } from "preact/hooks";
import { Link } from "wouter-preact";
import { BackendForm } from "../parts/backend-form.tsx";
import { Meter } from "../parts/figures.tsx";
import { Pages, allOf, usePages } from "../parts/list.tsx";
import { duration } from "../parts/time.tsx";
import { useEvery, useLoad, useNow } from "../parts/use.ts";
import { Standing, hostOf, named } from "../parts/window.tsx";
import { Ago } from "../parts/time.tsx";
import type { AdminModel, Backend } from "../types.ts";

const REFRESH_MS = 5_000;

export function BackendsPage() {
  const pages = usePages<Backend>("/admin/v1/backends");
  const models = useLoad((signal) => allOf<AdminModel>("/admin/v1/models", signal), []);
  const [adding, setAdding] = useState(false);
  const now = useNow(REFRESH_MS);
  useEvery(REFRESH_MS, pages.reload);
  const names = models.data?.map(({ name }) => name) ?? [];
  return (
    <>
      <div class="page-head">
        <h1>Backends</h1>
        <button type="button" class="primary" disabled={names.length === 0} onClick={() => setAdding(true)}>
          Add a backend
        </button>
      </div>
      <Pages
        pages={pages}
        label="Backends"
        name={({ id }) => id}
        empty={names.length === 0 ? <Link href="/models">Add a model first</Link> : <p>Nothing is run until there is one.</p>}
        columns={[
          { title: "Backend", cell: ({ id, url }) => <Link href={`/backends/${id}`}>{hostOf(url)}</Link> },
          {
            title: "Model",
            wide: true,
            cell: ({ model, version }) => <Link href={`/models/${encodeURIComponent(model)}`}>{named(model, version)}</Link>,
          },
          { title: "Protocol", wide: true, cell: ({ protocol }) => protocol },
          { title: "State", cell: ({ state, circuit, warnings }) => <Standing state={state} circuit={warnings ? "open" : circuit} /> },
          {
            title: "Slots",
            cell: ({ in_progress, max_concurrency }) => <Meter value={in_progress} of={max_concurrency} label="Slots in use" />,
          },
          { title: "Mean run", wide: true, numeric: true, cell: ({ mean_run_ms }) => (mean_run_ms === null ? "–" : duration(mean_run_ms)) },
          {
            title: "Last error",
            wide: true,
            cell: ({ last_error }) =>
              last_error ? (
                <span title={last_error.message}>
                  {last_error.code} <Ago at={last_error.at} now={now} />
                </span>
              ) : (
                <span class="muted">none</span>
              ),
          },
        ]}
      />
      {adding && <BackendForm backend={null} models={names} close={() => setAdding(false)} done={pages.reload} />}
    </>
  );
}
