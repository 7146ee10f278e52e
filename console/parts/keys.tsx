/** The keys of one account: made, changed, rotated, revoked. A key's text is shown once, in the dialog that made it. */
import { useState } from "preact/hooks";
import { get } from "../api.ts";
import type { Key } from "../types.ts";
import { Badge } from "./badge.tsx";
import { Copy } from "./copy.tsx";
import { Confirm, Dialog } from "./dialog.tsx";
import { FormDialog, type Input, type Values, asLocal, instantIn, numberIn, wordsIn } from "./form.tsx";
import { Pages, usePages } from "./list.tsx";
import { Ago, Time } from "./time.tsx";
import { toast } from "./toast.tsx";
import { useNow } from "./use.ts";

const SCOPES = [
  ["submit", "Submit"],
  ["read", "Read"],
  ["cancel", "Cancel"],
] as const;

const INPUTS: readonly Input[] = [
  { name: "name", label: "Name", placeholder: "production" },
  { name: "scopes", label: "Scopes", kind: "checks", options: SCOPES },
  { name: "submit", label: "Submits a second", hint: "Empty: the default.", kind: "number" },
  { name: "read", label: "Reads a second", hint: "Empty: the default.", kind: "number" },
  { name: "cancel", label: "Cancels a second", hint: "Empty: the default.", kind: "number" },
  { name: "expires_at", label: "Ends at", hint: "Empty: never.", kind: "time" },
];

type Asked = { readonly what: "create" } | { readonly what: "change" | "rotate" | "revoke"; readonly key: Key };

export function Keys({ accountId }: { readonly accountId: string }) {
  const pages = usePages<Key>("/admin/v1/keys", { account_id: accountId });
  const [asked, setAsked] = useState<Asked | null>(null);
  const [made, setMade] = useState<{ readonly name: string; readonly key: string } | null>(null);
  const now = useNow(10_000);
  const close = () => setAsked(null);
  const act = (what: "change" | "rotate" | "revoke", text: string, key: Key) => (
    <button type="button" class="quiet" aria-label={`${text} ${key.name || key.id}`} onClick={() => setAsked({ what, key })}>
      {text}
    </button>
  );
  return (
    <section aria-labelledby="keys">
      <div class="spread head">
        <h2 id="keys">Keys</h2>
        <button type="button" onClick={() => setAsked({ what: "create" })}>
          Create a key
        </button>
      </div>
      <Pages
        pages={pages}
        label="Keys"
        name={({ id }) => id}
        empty={<p>Clients need one.</p>}
        columns={[
          {
            title: "Key",
            cell: ({ id, name }) => (
              <>
                {name || <span class="muted">no name</span>}
                <br />
                <code class="muted">ck_{id}_…</code>
              </>
            ),
          },
          { title: "State", cell: (key) => <State item={key} now={now} /> },
          { title: "Scopes", wide: true, cell: ({ scopes }) => scopes.join(", ") },
          { title: "A second", wide: true, cell: ({ scopes, limits }) => scopes.map((scope) => `${limits[scope]} ${scope}`).join(", ") },
          {
            title: "Last used",
            cell: ({ last_used_at }) => (last_used_at ? <Ago at={last_used_at} now={now} /> : <span class="muted">never</span>),
          },
          {
            title: "Actions",
            cell: (key) =>
              isOver(key, now) ? null : (
                <div class="row actions">
                  {act("change", "Change", key)}
                  {act("rotate", "Rotate", key)}
                  {act("revoke", "Revoke", key)}
                </div>
              ),
          },
        ]}
      />
      {asked && <Action asked={asked} accountId={accountId} close={close} reload={pages.reload} show={setMade} />}
      {made && <Shown name={made.name} secret={made.key} close={() => setMade(null)} />}
    </section>
  );
}

const isOver = ({ revoked_at, expires_at }: Key, now: number) =>
  revoked_at !== null || (expires_at !== null && Date.parse(expires_at) <= now);

function State({ item, now }: { readonly item: Key; readonly now: number }) {
  const { revoked_at, expires_at } = item;
  if (revoked_at) return <Badge tone="neutral" text="revoked" />;
  if (!expires_at) return <Badge tone="good" text="works" />;
  if (isOver(item, now)) return <Badge tone="neutral" text="expired" />;
  return (
    <>
      <Badge tone="warn" text="ends" /> <Time at={expires_at} />
    </>
  );
}

function Action({
  asked,
  accountId,
  close,
  reload,
  show,
}: {
  readonly asked: Asked;
  readonly accountId: string;
  readonly close: () => void;
  readonly reload: () => void;
  readonly show: (made: { readonly name: string; readonly key: string }) => void;
}) {
  if (asked.what === "create") {
    const create = async (values: Values) => {
      const { key, name } = await get<Key & { readonly key: string }>("/admin/v1/keys", {
        method: "POST",
        body: { account_id: accountId, ...bodyOf(values) },
      });
      reload();
      show({ name, key });
    };
    return (
      <FormDialog
        title="Create a key"
        inputs={INPUTS}
        initial={{ scopes: "submit,read,cancel" }}
        action="Create"
        work={create}
        close={close}
      />
    );
  }
  const { key } = asked;
  const path = `/admin/v1/keys/${key.id}`;
  const called = key.name || key.id;
  if (asked.what === "change") {
    const change = async (values: Values) => {
      await get(path, { method: "PATCH", body: bodyOf(values) });
      toast("The key is changed");
      reload();
    };
    return <FormDialog title={`Change ${called}`} inputs={INPUTS} initial={valuesOf(key)} action="Save" work={change} close={close} />;
  }
  if (asked.what === "rotate") {
    const rotate = async ({ overlap_hours }: Values) => {
      const made = await get<Key & { readonly key: string }>(`${path}/rotate`, {
        method: "POST",
        body: { overlap_seconds: Math.round((numberIn(overlap_hours) ?? 24) * 3_600) },
      });
      reload();
      show({ name: made.name, key: made.key });
    };
    return (
      <FormDialog
        title={`Rotate ${called}`}
        inputs={[
          { name: "overlap_hours", label: "Hours that the old one still works", hint: "0 ends it now.", kind: "number", required: true },
        ]}
        initial={{ overlap_hours: "24" }}
        action="Rotate"
        work={rotate}
        close={close}
      >
        <p>Makes another key with the same scopes, limits and end.</p>
      </FormDialog>
    );
  }
  return (
    <Confirm
      title={`Revoke ${called}?`}
      text="Its calls are refused within a second, for good. Inferences belong to the account and go on."
      action="Revoke it"
      done="The key is revoked"
      work={async () => {
        await get(path, { method: "DELETE" });
        reload();
      }}
      close={close}
    />
  );
}

function Shown({ name, secret, close }: { readonly name: string; readonly secret: string; readonly close: () => void }) {
  return (
    <Dialog title={name === "" ? "The new key" : `The new key ${name}`} close={close}>
      <p>Copy it now: it is not shown again.</p>
      <p class="secret">
        <code>{secret}</code>
        <Copy text={secret} what="the key" />
      </p>
      <div class="row end">
        <button type="button" class="primary" onClick={close}>
          I have it
        </button>
      </div>
    </Dialog>
  );
}

function valuesOf({ name, scopes, limits, expires_at }: Key): Values {
  return {
    name,
    scopes: scopes.join(","),
    submit: String(limits.submit),
    read: String(limits.read),
    cancel: String(limits.cancel),
    expires_at: asLocal(expires_at),
  };
}

function bodyOf(values: Values) {
  const limits = Object.fromEntries(SCOPES.flatMap(([scope]) => (values[scope] ? [[scope, Number(values[scope])]] : [])));
  return {
    ...(values["name"]?.trim() ? { name: values["name"].trim() } : {}),
    scopes: wordsIn(values["scopes"] ?? ""),
    limits,
    expires_at: instantIn(values["expires_at"]),
  };
}
