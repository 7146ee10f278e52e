/** One backend: whether it works, and why not; what it runs; draining it, probing it. */
import { useState } from "preact/hooks";
import { Link, useLocation } from "wouter-preact";
import { get } from "../api.ts";
import type { PageProps } from "../parts/page.ts";
import { BackendForm, probe } from "../parts/backend-form.tsx";
import { ConfirmDelete } from "../parts/delete.tsx";
import { Meter } from "../parts/figures.tsx";
import { JsonTree } from "../parts/json.tsx";
import { Latest } from "../parts/latest.tsx";
import { Failed, Loading, messageOf } from "../parts/states.tsx";
import { Ago, Time, duration } from "../parts/time.tsx";
import { toast } from "../parts/toast.tsx";
import { useEvery, useLoad, useNow } from "../parts/use.ts";
import { Standing, Window, WindowSwitch, hostOf, named, useOverview } from "../parts/window.tsx";
import type { Backend, Ready } from "../types.ts";

const REFRESH_MS = 2_500;

export function BackendPage({ session, params }: PageProps) {
  const id = params["id"] ?? "";
  const path = `/admin/v1/backends/${encodeURIComponent(id)}`;
  const { data: backend, error, reload } = useLoad((signal) => get<Backend>(path, { signal }), [path]);
  useEvery(REFRESH_MS, reload);
  const overview = useOverview({ backend: id });
  const now = useNow(1_000);
  if (error !== null && !backend) return <Failed error={error} retry={reload} />;
  if (!backend) return <Loading />;
  return (
    <>
      <p class="crumb">
        <Link href="/backends">Backends</Link>
      </p>
      <div class="page-head">
        <div>
          <h1>{hostOf(backend.url)}</h1>
          <div class="row">
            <Standing state={backend.state} circuit={backend.circuit} />
            <Meter value={backend.in_progress} of={backend.max_concurrency} label="Slots in use" />
            <code class="muted">{backend.id}</code>
          </div>
        </div>
        <div class="row">
          <WindowSwitch />
          <Actions backend={backend} path={path} reload={reload} />
        </div>
      </div>
      <div class="panels">
        <Trouble backend={backend} now={now} />
        <Probe key={id} id={id} />
        {overview.data ? (
          <Window overview={overview.data} />
        ) : overview.error !== null ? (
          <Failed error={overview.error} retry={overview.reload} />
        ) : (
          <Loading />
        )}
        <Latest session={session} filters={{ backend: id }} title="Latest attempts" />
        <Settings backend={backend} />
      </div>
    </>
  );
}

function Actions({ backend, path, reload }: { readonly backend: Backend; readonly path: string; readonly reload: () => void }) {
  const [asked, setAsked] = useState<"change" | "delete" | null>(null);
  const [, go] = useLocation();
  const close = () => setAsked(null);
  const to = async (state: Backend["state"], text: string) => {
    try {
      await get(path, { method: "PATCH", body: { state } });
      toast(text);
      reload();
    } catch (error) {
      toast(messageOf(error), { bad: true });
    }
  };
  return (
    <>
      {backend.state === "active" ? (
        <button type="button" onClick={() => void to("draining", "It gets no new inferences; those that it runs go on")}>
          Drain
        </button>
      ) : (
        <button type="button" class="primary" onClick={() => void to("active", "It is given work again")}>
          Activate
        </button>
      )}
      <button type="button" onClick={() => setAsked("change")}>
        Change
      </button>
      <button type="button" class="danger" onClick={() => setAsked("delete")}>
        Delete
      </button>
      {asked === "change" && <BackendForm backend={backend} models={[]} close={close} done={reload} />}
      {asked === "delete" && (
        <ConfirmDelete
          title="Delete this backend?"
          text={`It gets no new inferences; the ${backend.in_progress} that it runs go on.`}
          done="The backend is deleted"
          path={path}
          after={() => go("/backends")}
          close={close}
        />
      )}
    </>
  );
}

/** Why it gets nothing, or what went wrong there last. */
function Trouble({ backend, now }: { readonly backend: Backend; readonly now: number }) {
  const { circuit, failures, failures_of, since, rested_until, last_error, warnings = [] } = backend;
  return (
    <>
      {warnings.map((warning) => (
        <p key={warning} class="notice bad" role="alert">
          {warning}
        </p>
      ))}
      {last_error && (
        <section class={circuit === "closed" ? "notice" : "notice bad"} aria-label="What went wrong last">
          <p>
            <strong>{last_error.code}</strong> <span class="muted">{last_error.class}</span> <Ago at={last_error.at} now={now} />
          </p>
          <p class="message">{last_error.message}</p>
          {failures > 0 && (
            <p class="muted">
              {failures} in a row
              {since && (
                <>
                  {" "}
                  since <Time at={since} />
                </>
              )}
              {failures_of && `, all of the account ${failures_of}, so that the others are given its slots`}
              {rested_until &&
                Date.parse(rested_until) > now &&
                `. It is given nothing for ${duration(Date.parse(rested_until) - now)} more`}
              .
            </p>
          )}
        </section>
      )}
    </>
  );
}

/** Asks the server itself, now. */
function Probe({ id }: { readonly id: string }) {
  const [said, setSaid] = useState<Ready | null>(null);
  const [busy, setBusy] = useState(false);
  const ask = async () => {
    setBusy(true);
    try {
      setSaid(await probe(id));
    } catch (error) {
      toast(messageOf(error), { bad: true });
    }
    setBusy(false);
  };
  return (
    <section class="panel" aria-labelledby="probe">
      <div class="spread">
        <h2 id="probe">Live probe</h2>
        <button type="button" disabled={busy} onClick={() => void ask()}>
          {busy ? "Asking…" : "Probe now"}
        </button>
      </div>
      <div role="status">
        {said ? (
          <p class={said.ready ? "" : "fault"}>
            {said.ready ? "It is ready." : `It is not ready: ${said.detail ?? "it does not say why"}.`}
          </p>
        ) : (
          <p class="muted">Asks the server whether it is ready, and what it says of its model.</p>
        )}
      </div>
      {said && said.metadata !== null && <JsonTree value={said.metadata} label="What it says of its model" />}
    </section>
  );
}

function Settings({ backend }: { readonly backend: Backend }) {
  const { model, version, url, protocol, remote_model, credential, ready_path, timeout_seconds, files, mean_run_ms, created_at } = backend;
  return (
    <section class="panel" aria-labelledby="settings">
      <h2 id="settings">Settings</h2>
      <dl class="facts">
        <div>
          <dt>Model</dt>
          <dd>
            <Link href={`/models/${encodeURIComponent(model)}`}>{named(model, version)}</Link>
          </dd>
        </div>
        <div>
          <dt>Address</dt>
          <dd>{url}</dd>
        </div>
        <div>
          <dt>Protocol</dt>
          <dd>{protocol}</dd>
        </div>
        <div>
          <dt>The model's name there</dt>
          <dd>{remote_model}</dd>
        </div>
        <div>
          <dt>Credential</dt>
          <dd>{credential ? `${credential.kind}, secret ${credential.secret}` : "none"}</dd>
        </div>
        <div>
          <dt>Readiness</dt>
          <dd>{ready_path ?? "as the protocol has it"}</dd>
        </div>
        <div>
          <dt>Timeout</dt>
          <dd>{duration(timeout_seconds * 1_000)}</dd>
        </div>
        <div>
          <dt>Files</dt>
          <dd>{files}</dd>
        </div>
        <div>
          <dt>Mean run</dt>
          <dd>{mean_run_ms === null ? "nothing measured" : duration(mean_run_ms)}</dd>
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
