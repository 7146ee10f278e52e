/** The tenants. */
import { useState } from "preact/hooks";
import { Link, useLocation } from "wouter-preact";
import { AccountForm } from "../parts/account-form.tsx";
import { Badge } from "../parts/badge.tsx";
import { Meter } from "../parts/figures.tsx";
import { Pages, usePages } from "../parts/list.tsx";
import { Time, bytes } from "../parts/time.tsx";
import type { Account } from "../types.ts";

export function AccountsPage() {
  const pages = usePages<Account>("/admin/v1/accounts");
  const [adding, setAdding] = useState(false);
  const [, go] = useLocation();
  return (
    <>
      <div class="page-head">
        <h1>Accounts</h1>
        <button type="button" class="primary" onClick={() => setAdding(true)}>
          Add an account
        </button>
      </div>
      <Pages
        pages={pages}
        label="Accounts"
        name={({ id }) => id}
        empty={<p>Each tenant is one.</p>}
        columns={[
          { title: "Account", cell: ({ id, name }) => <Link href={`/accounts/${id}`}>{name}</Link> },
          { title: "Id", wide: true, cell: ({ id }) => <code>{id}</code> },
          { title: "State", cell: (account) => <AccountState account={account} /> },
          {
            title: "Stored",
            cell: ({ stored_bytes, quota_bytes }) => (
              <Meter value={stored_bytes} of={quota_bytes} show={bytes} label="Stored of its quota" />
            ),
          },
          {
            title: "Monthly budget",
            wide: true,
            numeric: true,
            cell: ({ monthly_budget }) => monthly_budget ?? <span class="muted">none</span>,
          },
          { title: "Added", wide: true, cell: ({ created_at }) => <Time at={created_at} /> },
        ]}
      />
      {adding && <AccountForm account={null} close={() => setAdding(false)} done={({ id }) => go(`/accounts/${id}`)} />}
    </>
  );
}

export function AccountState({ account: { removed_at, budget_state } }: { readonly account: Account }) {
  if (removed_at) return <Badge tone="neutral" text="deleted" />;
  if (budget_state === "spent") return <Badge tone="bad" text="budget spent" />;
  if (budget_state === "warned") return <Badge tone="warn" text="budget warned" />;
  return <Badge tone="good" text="active" />;
}
