/** The operator's calls that may have changed something. */
import { TextField } from "../parts/field.tsx";
import { Pages, usePages } from "../parts/list.tsx";
import { Time } from "../parts/time.tsx";
import { useQuery } from "../parts/use.ts";
import type { AuditEntry } from "../types.ts";

export function AuditPage() {
  const [query, change] = useQuery();
  const target = query.get("target") ?? "";
  const pages = usePages<AuditEntry>("/admin/v1/audit", { target });
  return (
    <>
      <div class="page-head">
        <h1>Audit log</h1>
        <div class="picker">
          <TextField label="About" placeholder="An id or a name" value={target} change={(value) => change({ target: value })} />
        </div>
      </div>
      <Pages
        pages={pages}
        label="Entries"
        name={({ id }) => String(id)}
        empty={<p>Each call of the operator that may change something is written here.</p>}
        columns={[
          { title: "When", cell: ({ at }) => <Time at={at} /> },
          {
            title: "Who",
            wide: true,
            cell: ({ via, name, address }) => (
              <>
                {name ?? VIA[via]}
                {address && <code class="muted"> {address}</code>}
              </>
            ),
          },
          {
            title: "Call",
            cell: ({ method, route }) => (
              <code>
                {method} {route.replace("/admin/v1", "")}
              </code>
            ),
          },
          {
            title: "About",
            cell: ({ target: about }) =>
              about && (
                <button type="button" class="quiet inline" onClick={() => change({ target: about })}>
                  {about}
                </button>
              ),
          },
          {
            title: "Asked for",
            wide: true,
            cell: ({ change: asked }) => (asked === null ? null : <Asked text={JSON.stringify(asked)} />),
          },
          {
            title: "Answer",
            numeric: true,
            cell: ({ status }) =>
              status === null ? <span title="Under way, or cut off">?</span> : <span class={status >= 400 ? "fault" : ""}>{status}</span>,
          },
        ]}
      />
    </>
  );
}

/** What fits into a row; the rest is shown when it is asked for. */
const SHOWN = 160;

function Asked({ text }: { readonly text: string }) {
  if (text.length <= SHOWN) return <code class="message">{text}</code>;
  return (
    <details>
      <summary>
        <code class="message">{text.slice(0, SHOWN)}…</code>
      </summary>
      <code class="message">{text.slice(SHOWN)}</code>
    </details>
  );
}

const VIA: Readonly<Record<AuditEntry["via"], string>> = { token: "Admin token", session: "Console", access: "Cloudflare Access" };
