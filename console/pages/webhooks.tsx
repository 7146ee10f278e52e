/** An account's webhooks, the endpoints that trouble them, and sending again what they missed. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { type Session, get, withQuery } from "../api.ts";
import type { PageProps } from "../parts/page.ts";
import { AccountPicker, useAccount } from "../parts/account-picker.tsx";
import { Badge } from "../parts/badge.tsx";
import { Copy } from "../parts/copy.tsx";
import { ConfirmDelete } from "../parts/delete.tsx";
import { Deliveries } from "../parts/deliveries.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { FormDialog, type Input, type Values, instantIn, wordsIn } from "../parts/form.tsx";
import { Empty, Failed, Loading, messageOf } from "../parts/states.tsx";
import { Table } from "../parts/table.tsx";
import { Time } from "../parts/time.tsx";
import { toast } from "../parts/toast.tsx";
import { useLoad, useNow } from "../parts/use.ts";
import type { Endpoints, Webhook } from "../types.ts";

const EVENTS = [
  ...["started", "progress", "succeeded", "failed", "canceled", "expired"].map((name) => [`inference.${name}`, name] as const),
  ["account.budget_warning", "budget warning"],
  ["account.budget_exceeded", "budget exceeded"],
  ["account.budget_renewed", "budget renewed"],
] as const;
const INPUTS: readonly Input[] = [
  { name: "url", label: "URL", hint: "https, and a public address.", placeholder: "https://example.com/hooks", required: true },
  { name: "events", label: "Events", kind: "checks", options: EVENTS },
  { name: "description", label: "Description" },
];
const ENDS = "inference.succeeded,inference.failed,inference.canceled,inference.expired";

export function WebhooksPage({ session }: PageProps) {
  return session.kind === "operator" ? (
    <OfAnAccount session={session} />
  ) : (
    <Webhooks session={session} base="/v1/webhooks" account={null} picker={null} />
  );
}

function OfAnAccount({ session }: { readonly session: Session }) {
  const { id, accounts, loading } = useAccount(true);
  const picker = <AccountPicker id={id} accounts={accounts} />;
  if (id === "") return loading ? <Loading /> : <Empty title="There is no account yet" />;
  return <Webhooks key={id} session={session} base={`/admin/v1/webhooks/${id}`} account={id} picker={picker} />;
}

type Asked =
  | { readonly what: "create" | "rotate" }
  | { readonly what: "change" | "delete"; readonly hook: Webhook }
  | { readonly what: "resend"; readonly hook: Webhook | null };

/** The operator sees them, enables endpoints and sends again; the rest is the account's own. */
function Webhooks({
  session,
  base,
  account,
  picker,
}: {
  readonly session: Session;
  readonly base: string;
  /** Whose they are; null: the session's own. */
  readonly account: string | null;
  readonly picker: ComponentChildren;
}) {
  const now = useNow(5_000);
  const mayChange = session.kind === "account";
  const { data, error, reload } = useLoad(
    async (signal) => {
      const [hooks, endpoints] = await Promise.all([
        get<{ readonly webhooks: readonly Webhook[] }>(base, { signal }),
        get<Endpoints>(withQuery(`${base}/endpoints`, { limit: 100 }), { signal }),
      ]);
      return { hooks: hooks.webhooks, ...endpoints, version: String(performance.now()) };
    },
    [base],
  );
  const [asked, setAsked] = useState<Asked | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  const act = async (work: () => Promise<string>) => {
    try {
      toast(await work());
      reload();
    } catch (reason) {
      toast(messageOf(reason), { bad: true });
    }
  };
  const button = (text: string, about: string, work: () => void) => (
    <button type="button" class="quiet" aria-label={`${text} ${about}`} onClick={work}>
      {text}
    </button>
  );
  return (
    <>
      <div class="page-head">
        <h1>Webhooks</h1>
        <div class="row">
          {picker}
          {mayChange && (
            <>
              <button type="button" onClick={() => setAsked({ what: "rotate" })}>
                Rotate the secret
              </button>
              <button type="button" class="primary" onClick={() => setAsked({ what: "create" })}>
                Add a webhook
              </button>
            </>
          )}
        </div>
      </div>
      {!data ? (
        error !== null ? (
          <Failed error={error} retry={reload} />
        ) : (
          <Loading />
        )
      ) : (
        <div class="panels">
          {data.hooks.length === 0 ? (
            <Empty title="There are no webhooks">
              <p>A webhook receives the events of all inferences.</p>
            </Empty>
          ) : (
            <Table
              label="Webhooks"
              rows={data.hooks}
              name={({ id }) => id}
              columns={[
                {
                  title: "URL",
                  cell: ({ url, description }) => (
                    <>
                      {url}
                      {description && <span class="muted"> {description}</span>}
                    </>
                  ),
                },
                { title: "State", cell: (hook) => <State endpoint={hook} /> },
                { title: "Events", wide: true, cell: ({ events }) => events.map((event) => event.replace("inference.", "")).join(", ") },
                {
                  title: "Actions",
                  cell: (hook) => (
                    <div class="row actions">
                      {mayChange && button("Test", hook.url, () => void act(() => tested(hook.id)))}
                      {mayChange && button("Change", hook.url, () => setAsked({ what: "change", hook }))}
                      {!hook.enabled && button("Enable", hook.url, () => void act(() => enabled(base, hook.url)))}
                      {button("Resend", hook.url, () => setAsked({ what: "resend", hook }))}
                      {mayChange && button("Delete", hook.url, () => setAsked({ what: "delete", hook }))}
                    </div>
                  ),
                },
              ]}
            />
          )}
          <section aria-labelledby="troubled">
            <div class="spread head">
              <h2 id="troubled">Endpoints in trouble</h2>
              <button type="button" onClick={() => setAsked({ what: "resend", hook: null })}>
                Resend to URLs of inferences
              </button>
            </div>
            {data.endpoints.length === 0 ? (
              <p class="muted">Every endpoint takes what it is sent.</p>
            ) : (
              <Table
                label="Endpoints in trouble"
                rows={data.endpoints}
                name={({ url }) => url}
                columns={[
                  { title: "URL", cell: ({ url }) => url },
                  { title: "State", cell: (endpoint) => <State endpoint={endpoint} /> },
                  { title: "Failures in a row", numeric: true, wide: true, cell: ({ failures_in_a_row }) => failures_in_a_row },
                  { title: "Since", wide: true, cell: ({ failing_since }) => failing_since && <Time at={failing_since} /> },
                  {
                    title: "Actions",
                    cell: ({ url, enabled: works }) => (works ? null : button("Enable", url, () => void act(() => enabled(base, url)))),
                  },
                ]}
              />
            )}
          </section>
          {account !== null && (
            <section aria-labelledby="failed">
              <h2 id="failed">Deliveries that failed or are held</h2>
              <Deliveries list={`${base}/deliveries`} version={data.version} now={now} empty="No delivery failed, and none is held" />
            </section>
          )}
        </div>
      )}
      {asked && <Action asked={asked} base={base} close={() => setAsked(null)} reload={reload} show={setSecret} />}
      {secret !== null && (
        <Dialog title="The signing secret" close={() => setSecret(null)}>
          <p>Deliveries are signed with it. Copy it now: it is not shown again.</p>
          <p class="secret">
            <code>{secret}</code>
            <Copy text={secret} what="the secret" />
          </p>
          <div class="row end">
            <button type="button" class="primary" onClick={() => setSecret(null)}>
              I have it
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}

async function tested(id: string): Promise<string> {
  const { delivered, status_code, error, outcome } = await get<{
    readonly delivered: boolean;
    readonly status_code: number | null;
    readonly error: string | null;
    readonly outcome: string;
  }>(`/v1/webhooks/${id}/test`, { method: "POST" });
  return delivered
    ? "The test was taken"
    : `The test was not taken: ${error ?? (status_code === null ? outcome : `it answered ${status_code}`)}`;
}

async function enabled(base: string, url: string): Promise<string> {
  await get(`${base}/enable`, { method: "POST", body: { url } });
  return "It is called again";
}

type Endpoint = Pick<Webhook, "enabled" | "stopped" | "failures_in_a_row" | "held_until">;

function State({ endpoint: { stopped, failures_in_a_row, held_until } }: { readonly endpoint: Endpoint }) {
  if (stopped) return <Badge tone={stopped.reason === "disabled" ? "neutral" : "bad"} text={stopped.reason} />;
  if (held_until && Date.parse(held_until) > Date.now()) return <Badge tone="warn" text="asked to wait" />;
  return failures_in_a_row > 0 ? <Badge tone="warn" text="failing" /> : <Badge tone="good" text="works" />;
}

function Action({
  asked,
  base,
  close,
  reload,
  show,
}: {
  readonly asked: Asked;
  readonly base: string;
  readonly close: () => void;
  readonly reload: () => void;
  readonly show: (secret: string) => void;
}) {
  switch (asked.what) {
    case "create": {
      const create = async ({ url, events, description }: Values) => {
        const body = { url, events: wordsIn(events ?? ""), ...(description ? { description } : {}) };
        const made = await get<Webhook & { readonly secret?: string }>(base, { method: "POST", body });
        toast("The webhook is there");
        reload();
        if (made.secret) show(made.secret);
      };
      return <FormDialog title="Add a webhook" inputs={INPUTS} initial={{ events: ENDS }} action="Add" work={create} close={close} />;
    }
    case "change": {
      const { hook } = asked;
      const change = async ({ events, description, enabled: on }: Values) => {
        const body = { events: wordsIn(events ?? ""), description, enabled: on === "yes" };
        await get(`${base}/${hook.id}`, { method: "PATCH", body });
        toast("The webhook is changed");
        reload();
      };
      const state: Input = {
        name: "enabled",
        label: "Deliveries",
        kind: "select",
        options: [
          ["yes", "are sent"],
          ["no", "are held"],
        ],
      };
      const initial = { events: hook.events.join(","), description: hook.description, enabled: hook.enabled ? "yes" : "no" };
      return (
        <FormDialog
          title={`Change ${hook.url}`}
          inputs={[...INPUTS.slice(1), state]}
          initial={initial}
          action="Save"
          work={change}
          close={close}
        />
      );
    }
    case "delete":
      return (
        <ConfirmDelete
          title="Delete this webhook?"
          text={`${asked.hook.url} receives no more events.`}
          done="The webhook is deleted"
          path={`${base}/${asked.hook.id}`}
          after={reload}
          close={close}
        />
      );
    case "rotate": {
      const rotate = async () => {
        const { secret } = await get<{ readonly secret: string }>(`${base}/rotate`, { method: "POST" });
        show(secret);
      };
      return (
        <FormDialog title="Rotate the signing secret?" inputs={[]} initial={{}} action="Rotate" work={rotate} close={close}>
          <p>Makes a new one. The one before signs as well for 24 hours.</p>
        </FormDialog>
      );
    }
    case "resend": {
      const { hook } = asked;
      const resend = async ({ since }: Values) => {
        const path = hook ? `${base}/${hook.id}/resend` : `${base}/resend`;
        let [count, from] = [0, instantIn(since)];
        while (from !== null) {
          const page: { readonly resent: number; readonly next: string | null } = await get(path, {
            method: "POST",
            body: { since: from },
          });
          count += page.resent;
          from = page.next;
        }
        toast(`${count} ${count === 1 ? "delivery is" : "deliveries are"} sent again`);
        reload();
      };
      return (
        <FormDialog
          title={hook ? `Send again to ${hook.url}` : "Send again to URLs of inferences"}
          inputs={[{ name: "since", label: "What failed or was held since", kind: "time", required: true }]}
          initial={{ since: yesterday() }}
          action="Send again"
          work={resend}
          close={close}
        />
      );
    }
    default:
      return asked satisfies never;
  }
}

/** As the browser's field has it. */
function yesterday(): string {
  const time = new Date(Date.now() - 86_400_000);
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
