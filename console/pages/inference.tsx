/** One inference: where it stands, what became of it and why, what it was given and gave, and what can be done about it. */
import { useEffect, useRef, useState } from "preact/hooks";
import { Link, Redirect } from "wouter-preact";
import { client, get } from "../api.ts";
import { type Detail, type Timeline, changesOf, pathOf } from "../inferences.ts";
import type { PageProps } from "../parts/page.ts";
import { Status } from "../parts/badge.tsx";
import { Copy } from "../parts/copy.tsx";
import { Deliveries } from "../parts/deliveries.tsx";
import { Confirm } from "../parts/dialog.tsx";
import { LiveText } from "../parts/live-text.tsx";
import { Payload } from "../parts/payload.tsx";
import { Resubmit } from "../parts/resubmit.tsx";
import { Empty, Failed, Loading, messageOf } from "../parts/states.tsx";
import { Tabs } from "../parts/tabs.tsx";
import { Time, bytes, duration, number } from "../parts/time.tsx";
import { toast } from "../parts/toast.tsx";
import { useEvery, useLoad, useNow, useQuery } from "../parts/use.ts";
import { UseFrom } from "../parts/use-from.tsx";
import { Waterfall } from "../parts/waterfall.tsx";
import { Wrong } from "../parts/wrong.tsx";

/** How often it is read again while it changes and no events can be had. */
const POLL_MS = 2_000;

/** Where `urls.web` leads an operator, which names no account: it is looked for in the list. */
export function FindInference({ params }: PageProps) {
  return <Redirect to={`/inferences?q=${encodeURIComponent(params["id"] ?? "")}`} replace />;
}

export function InferencePage({ session, params }: PageProps) {
  const id = params["id"] ?? "";
  const path = pathOf(session, { id, account: params["account"] });
  return <Shown key={path} session={session} id={id} path={path} />;
}

function Shown({ session, id, path }: Pick<PageProps, "session"> & { readonly id: string; readonly path: string }) {
  const { data, error, reload } = useLoad(
    async (signal) => {
      const [inference, timeline] = await Promise.all([
        get<Detail>(`${path}?logs=1`, { signal }),
        get<Timeline>(`${path}/timeline`, { signal }),
      ]);
      return { inference, timeline };
    },
    [path],
  );
  const inference = data?.inference ?? null;
  const moves = inference !== null && (!inference.is_final || inference.webhook_status === "pending");
  const now = useNow(inference?.is_final === false ? 250 : 5_000);
  const latest = useRef(reload);
  latest.current = reload;
  useEffect(() => {
    if (session.kind === "operator" || inference?.is_final !== false) return;
    const left = new AbortController();
    const follow = async () => {
      for await (const _ of changesOf(id, left.signal)) latest.current();
    };
    follow().catch((reason: unknown) => left.signal.aborted || toast(messageOf(reason), { bad: true }));
    return () => left.abort();
  }, [session, id, inference?.is_final]);
  useEvery(POLL_MS, () => moves && reload());
  if (error !== null && !data) return <Failed error={error} retry={reload} />;
  if (!data || !inference) return <Loading />;
  return (
    <>
      <p class="crumb">
        <Link href="/inferences">Inferences</Link>
      </p>
      <Head inference={inference} path={path} isOwn={session.kind === "account"} reload={reload} />
      <div class="panels">
        <Standing inference={inference} now={now} />
        <section class="panel" aria-labelledby="life">
          <h2 id="life">Timeline</h2>
          <Waterfall timeline={data.timeline} now={now} />
        </section>
        <Contents inference={inference} path={path} timeline={data.timeline} now={now} />
        <Facts inference={inference} />
      </div>
    </>
  );
}

function Head({
  inference,
  path,
  isOwn,
  reload,
}: {
  readonly inference: Detail;
  readonly path: string;
  /** Of the account that is signed in, and not of one that the operator looks at. */
  readonly isOwn: boolean;
  readonly reload: () => void;
}) {
  const [asked, setAsked] = useState<"cancel" | "delete" | "submit" | null>(null);
  const { id, model, version, status, is_final } = inference;
  const close = () => setAsked(null);
  const redrive = async () => {
    try {
      await get(`${path}/redrive`, { method: "POST" });
      toast("It is queued again");
      reload();
    } catch (error) {
      toast(messageOf(error), { bad: true });
    }
  };
  return (
    <div class="page-head">
      <div>
        <h1>
          {model}
          {version && <span class="muted"> {version}</span>}
        </h1>
        <div class="row">
          <Status status={status} />
          <code class="muted id">{id}</code>
          <Copy text={id} what="the id" />
        </div>
      </div>
      <div class="row">
        {!is_final && (
          <button type="button" class="danger" onClick={() => setAsked("cancel")}>
            Cancel
          </button>
        )}
        {(status === "failed" || status === "expired") && (
          <button type="button" class="primary" onClick={() => void redrive()}>
            Redrive
          </button>
        )}
        {isOwn && (
          <button type="button" onClick={() => setAsked("submit")}>
            Edit and submit
          </button>
        )}
        {isOwn && is_final && (
          <button type="button" onClick={() => setAsked("delete")}>
            Delete
          </button>
        )}
      </div>
      {asked === "submit" && <Resubmit inference={inference} path={path} close={close} />}
      {asked === "cancel" && (
        <Confirm
          title="Cancel this inference?"
          text="It does not run, or its backend is told to stop. A canceled inference can't be redriven."
          action="Cancel it"
          done="It is canceled"
          work={async () => {
            await get(`${path}/cancel`, { method: "POST" });
            reload();
          }}
          close={close}
        />
      )}
      {asked === "delete" && (
        <Confirm
          title="Delete this inference?"
          text="Its input, its output and all that is known of it are removed at once."
          action="Delete it"
          done="It is deleted"
          work={async () => {
            await client.delete(id);
            history.back();
          }}
          close={close}
        />
      )}
    </div>
  );
}

const WAITS: Readonly<Record<string, string>> = {
  position: "Others go first",
  concurrency: "It is next when a slot is free",
  backend_down: "No backend takes work",
  retry_backoff: "It waits to be tried again",
  scheduled: "Its time has not come",
};

/** Why it waits, how far it has come, or what went wrong. */
function Standing({ inference, now }: { readonly inference: Detail; readonly now: number }) {
  const { status, error, waiting_on, queue_position, estimated_start_at, progress } = inference;
  if (error) return <Wrong error={error} />;
  if (status === "queued")
    return (
      <p class="notice" role="status">
        {WAITS[waiting_on ?? ""] ?? "It waits for its turn"}
        {queue_position !== null && `, place ${queue_position} in line`}
        {estimated_start_at !== null && `, starts in about ${duration(Math.max(0, Date.parse(estimated_start_at) - now))}`}.
      </p>
    );
  if (!progress) return null;
  return (
    <section class="notice" aria-label="Progress">
      <p>
        {progress.progress !== null && <strong>{Math.round(progress.progress * 100)} % </strong>}
        {progress.message}
      </p>
      {progress.progress !== null && <progress value={progress.progress} max={1} aria-label="How far it has come" />}
      {progress.preview_url !== null && <Preview url={progress.preview_url} />}
    </section>
  );
}

/** A picture of the output so far: drawn if it comes from here, else a link to where it is. */
function Preview({ url }: { readonly url: string }) {
  const at = URL.parse(url);
  if (at?.origin === location.origin || /^data:image\/(?:png|jpeg|webp);/.test(url))
    return <img class="picture" src={url} alt="The output so far" />;
  if (at?.protocol !== "https:" && at?.protocol !== "http:") return null;
  return (
    <a href={url} rel="noreferrer noopener" target="_blank">
      Preview at {at.host}
    </a>
  );
}

function Contents({
  inference,
  path,
  timeline,
  now,
}: {
  readonly inference: Detail;
  readonly path: string;
  readonly timeline: Timeline;
  readonly now: number;
}) {
  const [query, change] = useQuery();
  const { status, updated_at, data_removed, output_parts = [], logs = [], webhook_status } = inference;
  // The operator has no stream of another's output.
  const isStream = inference.account_id === undefined && "stream" in inference.urls;
  const first = inference.error ? "input" : "output";
  const gone = <Empty title="It has been removed, since its time was over" />;
  const output = () => {
    if (data_removed) return gone;
    if (!inference.is_final && isStream) return <LiveText path={`${path}/stream`} />;
    if (status !== "succeeded") return <Empty title={inference.is_final ? "It has no output" : "Its output comes when it is done"} />;
    return (
      <>
        <Payload path={`${path}/result`} what="output" version={updated_at} />
        {output_parts.map(({ name, bytes: size }) => (
          <section key={name} class="part">
            <h3>
              {name} <span class="muted">{bytes(size)}</span>
            </h3>
            <Payload path={`${path}/result/${encodeURIComponent(name)}`} what={name} version={updated_at} />
          </section>
        ))}
      </>
    );
  };
  const all = [
    { name: "output", title: "Output", draw: output },
    { name: "input", title: "Input", draw: () => (data_removed ? gone : <Payload path={`${path}/input`} what="input" version="" />) },
    { name: "logs", title: "Log", draw: () => <Log logs={logs} /> },
    {
      name: "deliveries",
      title: "Webhooks",
      draw: () => <Deliveries list={`${path}/deliveries`} version={`${updated_at} ${webhook_status} ${timeline.spans.length}`} now={now} />,
    },
    { name: "code", title: "Copy as code", draw: () => (data_removed ? gone : <UseFrom path={path} inference={inference} />) },
  ];
  return (
    <section class="panel" aria-label="Contents">
      <Tabs label="Contents" tabs={all} open={query.get("tab") ?? first} choose={(tab) => change({ tab: tab === first ? null : tab })} />
    </section>
  );
}

/** Each line with how long after the first it was. */
function Log({ logs }: { readonly logs: NonNullable<Detail["logs"]> }) {
  const begin = Date.parse(logs[0]?.at ?? "");
  return (
    <ol class="log" aria-label="What happened">
      {logs.map(({ at, event, ...more }, index) => (
        <li key={index}>
          <time dateTime={at} title={at}>
            +{duration(Date.parse(at) - begin)}
          </time>{" "}
          <strong>{event}</strong> <code class="muted">{Object.keys(more).length > 0 ? JSON.stringify(more) : ""}</code>
        </li>
      ))}
    </ol>
  );
}

function Facts({ inference }: { readonly inference: Detail }) {
  const { metrics, metadata } = inference;
  const facts: (readonly [name: string, value: preact.ComponentChildren])[] = [
    ...(inference.account_id === undefined
      ? []
      : [
          ["Account", <Link href={`/accounts/${inference.account_id}`}>{inference.account_id}</Link>] as const,
          ["Model", <Link href={`/models/${encodeURIComponent(inference.model)}`}>{inference.model}</Link>] as const,
        ]),
    ["Submitted", <Time at={inference.created_at} />],
    ...(inference.started_at ? [["Started", <Time at={inference.started_at} />] as const] : []),
    ...(inference.finished_at ? [["Ended", <Time at={inference.finished_at} />] as const] : []),
    ...(metrics.queue_ms === null ? [] : [["Waited", duration(metrics.queue_ms)] as const]),
    ...(metrics.run_ms === null ? [] : [["Ran", duration(metrics.run_ms)] as const]),
    ...(metrics.total_ms === null ? [] : [["In all", duration(metrics.total_ms)] as const]),
    [
      "Attempts",
      inference.attempts > inference.max_attempts
        ? `${inference.attempts}, of which some reached no server; at most ${inference.max_attempts} that do`
        : `${inference.attempts} of ${inference.max_attempts}`,
    ],
    ["Priority", String(inference.priority)],
    ...(inference.capability ? [["Capability", inference.capability] as const] : []),
    ["Items", `${inference.input_items} in${inference.output_items === null ? "" : `, ${inference.output_items} out`}`],
    ...(metrics.prompt_tokens === undefined
      ? []
      : [["Tokens", `${number(metrics.prompt_tokens)} read, ${number(metrics.completion_tokens ?? 0)} written`] as const]),
    ...(inference.expires_at ? [["Kept until", <Time at={inference.expires_at} />] as const] : []),
    ...Object.entries(metadata).map(([name, value]) => [name, value] as const),
  ];
  return (
    <section class="panel" aria-labelledby="facts">
      <h2 id="facts">Details</h2>
      <dl class="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
