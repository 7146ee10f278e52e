/** One account: its limits, what it uses, its keys, webhooks and inferences. */
import { useState } from "preact/hooks";
import { Link } from "wouter-preact";
import { get } from "../api.ts";
import type { PageProps } from "../parts/page.ts";
import { AccountForm } from "../parts/account-form.tsx";
import { ConfirmDelete } from "../parts/delete.tsx";
import { Meter } from "../parts/figures.tsx";
import { Keys } from "../parts/keys.tsx";
import { Latest } from "../parts/latest.tsx";
import { Failed, Loading } from "../parts/states.tsx";
import { Time, bytes, duration, number } from "../parts/time.tsx";
import { useLoad } from "../parts/use.ts";
import type { Account } from "../types.ts";
import { AccountState } from "./accounts.tsx";

export function AccountPage({ session, params }: PageProps) {
  const id = params["id"] ?? "";
  const path = `/admin/v1/accounts/${encodeURIComponent(id)}`;
  const { data: account, error, reload } = useLoad((signal) => get<Account>(path, { signal }), [path]);
  const [asked, setAsked] = useState<"change" | "delete" | null>(null);
  const close = () => setAsked(null);
  if (error !== null && !account) return <Failed error={error} retry={reload} />;
  if (!account) return <Loading />;
  return (
    <>
      <p class="crumb">
        <Link href="/accounts">Accounts</Link>
      </p>
      <div class="page-head">
        <div>
          <h1>{account.name}</h1>
          <div class="row">
            <AccountState account={account} />
            <code class="muted">{account.id}</code>
          </div>
        </div>
        {account.removed_at === null && (
          <div class="row">
            <button type="button" onClick={() => setAsked("change")}>
              Change
            </button>
            <button type="button" class="danger" onClick={() => setAsked("delete")}>
              Delete
            </button>
          </div>
        )}
      </div>
      <div class="panels">
        <Limits account={account} />
        <p class="row">
          <Link href={`/usage?account_id=${account.id}`}>Usage and cost</Link>
          <Link href={`/webhooks?account_id=${account.id}`}>Webhooks</Link>
          <Link href={`/failures?account_id=${account.id}`}>Failures</Link>
          <Link href={`/audit?target=${account.id}`}>What operators changed</Link>
        </p>
        <Keys accountId={account.id} />
        <Latest session={session} filters={{ account_id: account.id }} title="Latest inferences" />
      </div>
      {asked === "change" && <AccountForm account={account} close={close} done={reload} />}
      {asked === "delete" && (
        <ConfirmDelete
          title={`Delete ${account.name}?`}
          text="Its keys are refused at once. Its inferences stay until their retention is over."
          done="The account is deleted"
          path={path}
          after={reload}
          close={close}
        />
      )}
    </>
  );
}

function Limits({ account }: { readonly account: Account }) {
  const {
    stored_bytes,
    quota_bytes,
    database_bytes,
    database_quota_bytes,
    open_limit,
    retention_seconds,
    monthly_budget,
    budget_warning_at,
    created_at,
  } = account;
  return (
    <section class="panel" aria-labelledby="limits">
      <h2 id="limits">Limits</h2>
      <dl class="facts wide-facts">
        <div>
          <dt>Stored</dt>
          <dd>
            <Meter value={stored_bytes} of={quota_bytes} show={bytes} label="Stored of its quota" />
          </dd>
        </div>
        <div>
          <dt>Of it in the database</dt>
          <dd>
            <Meter value={database_bytes} of={database_quota_bytes} show={bytes} label="In the database, of its quota" />
          </dd>
        </div>
        <div>
          <dt>Open inferences</dt>
          <dd>up to {number(open_limit)}</dd>
        </div>
        <div>
          <dt>Retention</dt>
          <dd>{duration(retention_seconds * 1_000)} after the end</dd>
        </div>
        <div>
          <dt>Monthly budget</dt>
          <dd>
            {monthly_budget ?? "none"}
            {budget_warning_at !== null && `, warning at ${budget_warning_at}`}
          </dd>
        </div>
        <div>
          <dt>Added</dt>
          <dd>
            <Time at={created_at} />
          </dd>
        </div>
      </dl>
    </section>
  );
}
