/** The playground: any model of the catalogue, called by hand, with what becomes of it live and the same call as code. */
import { useEffect, useMemo, useState } from "preact/hooks";
import { ApiError, client, get } from "../api.ts";
import { ChooseFile, DropZone, Preview, useUpload } from "../parts/drop.tsx";
import { Chat } from "../parts/chat.tsx";
import { Field, Select } from "../parts/field.tsx";
import { Run } from "../parts/run.tsx";
import { type Member, exampleOf, inputFrom, membersOf } from "../parts/schema.ts";
import { Empty, Failed, Loading, messageOf } from "../parts/states.tsx";
import { Tabs } from "../parts/tabs.tsx";
import { useLoad, useQuery } from "../parts/use.ts";
import { Code } from "../parts/use-from.tsx";
import type { Model } from "../types.ts";

interface Catalogue {
  readonly data: readonly { readonly id: string }[];
}

export function PlaygroundPage() {
  const [query, change] = useQuery();
  const catalogue = useLoad((signal) => get<Catalogue>("/v1/models", { signal }), []);
  const names = catalogue.data?.data.map(({ id }) => id) ?? [];
  const name = query.get("model") ?? names[0] ?? "";
  return (
    <>
      <div class="page-head">
        <h1>Playground</h1>
        {names.length > 0 && (
          <div class="picker">
            <Select
              label="Model"
              value={name}
              options={names.map((each) => [each, each])}
              change={(model) => change({ model, version: null, mode: null })}
            />
          </div>
        )}
      </div>
      {catalogue.error !== null && !catalogue.data ? (
        <Failed error={catalogue.error} retry={catalogue.reload} />
      ) : !catalogue.data ? (
        <Loading />
      ) : name === "" ? (
        <Empty title="There is no model yet">
          <p>The operator of the deployment adds them.</p>
        </Empty>
      ) : (
        <Chosen key={name} name={name} />
      )}
    </>
  );
}

const CHATS = /^chat\/completions$|^chat$/;

function Chosen({ name }: { readonly name: string }) {
  const [query, change] = useQuery();
  const { data: model, error, reload } = useLoad((signal) => get<Model>(`/v1/models/${encodeURIComponent(name)}`, { signal }), [name]);
  const [run, setRun] = useState<string | null>(null);
  const [input, setInput] = useState<unknown>(null);
  if (error !== null && !model) return <Failed error={error} retry={reload} />;
  if (!model) return <Loading />;
  const version = query.get("version") ?? model.default_version;
  const members = membersOf(model);
  const modes = [...(members ? ["form"] : []), "json", "chat"] as const;
  const usual = model.capabilities.some((capability) => CHATS.test(capability)) ? "chat" : members ? "form" : "json";
  const mode = query.get("mode") ?? usual;
  const its = { model, version, setInput, setRun };
  return (
    <>
      <div class="play">
        <div>
          <div class="spread">
            <p class="muted">{model.description}</p>
            {model.versions.length > 1 && (
              <Select
                label="Version"
                value={version ?? ""}
                options={model.versions.map((each) => [each, each])}
                change={(value) => change({ version: value })}
              />
            )}
          </div>
          <Tabs
            label="How to call it"
            open={mode}
            choose={(value) => change({ mode: value === usual ? null : value })}
            tabs={modes.map((each) => ({
              name: each,
              title: TITLES[each] ?? each,
              draw: () =>
                each === "chat" ? (
                  <Chat model={model.id} follow={setInput} />
                ) : each === "form" && members ? (
                  <Form {...its} members={members} />
                ) : (
                  <Raw {...its} />
                ),
            }))}
          />
        </div>
        {mode !== "chat" && (
          <section class="panel play-result" aria-label="Result">
            {run === null ? <p class="muted">What becomes of it is shown here.</p> : <Run key={run} id={run} />}
          </section>
        )}
      </div>
      <section class="panel play-code" aria-labelledby="code">
        <h2 id="code">The same as code</h2>
        <Code call={{ origin: location.origin, model: model.id, version: query.get("version"), input: input ?? exampleOf(model) }} />
      </section>
    </>
  );
}

const TITLES: Readonly<Record<string, string>> = { form: "Form", json: "JSON", chat: "Chat" };

interface Its {
  readonly model: Model;
  readonly version: string | null;
  readonly setInput: (input: unknown) => void;
  readonly setRun: (id: string) => void;
}

/** Submits what was entered; what is wrong with it comes back. */
function useSubmit({ model, version, setInput, setRun }: Its) {
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const submit = async (read: () => unknown) => {
    setBusy(true);
    setError(null);
    try {
      const input = read();
      setInput(input);
      const { id } = await client.submit(model.id, input, version === null ? {} : { version });
      setRun(id);
    } catch (reason) {
      setError(reason);
    }
    setBusy(false);
  };
  const faults = error instanceof ApiError ? error.errors : [];
  return { submit, busy, faults, message: error === null ? null : error instanceof SyntaxError ? error.message : messageOf(error) };
}

function Form({ members, ...its }: Its & { readonly members: readonly Member[] }) {
  const start = useMemo(() => startOf(members, its.model), [its.model]);
  const [values, setValues] = useState<Readonly<Record<string, string>>>(start);
  const { submit, busy, faults, message } = useSubmit(its);
  const set = (name: string, value: string) => setValues((were) => ({ ...were, [name]: value }));
  const files = members.filter(({ kind }) => kind === "file");
  // A file that is dropped beside the fields goes into the first of them that has none of this page.
  const place = files.find(({ name }) => !values[name]?.startsWith("claimcheck:file/")) ?? files[0];
  const upload = useUpload((reference) => place && set(place.name, reference));
  useEffect(() => {
    try {
      its.setInput(inputFrom(members, values));
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error; // half of a JSON text, while it is written
    }
  }, [values]);
  const faultOf = (name: string) => faults.find(({ pointer }) => pointer.split("/").includes(name))?.detail ?? null;
  return (
    <DropZone take={place ? upload.take : () => undefined}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit(() => inputFrom(members, values));
        }}
      >
        {members.map((member) => (
          <Entry
            key={member.name}
            member={member}
            value={values[member.name] ?? ""}
            fault={faultOf(member.name)}
            change={(value) => set(member.name, value)}
          />
        ))}
        {message !== null && (
          <p class="notice bad" role="alert">
            {message}
            {faults.map(({ pointer, detail }) => (
              <span key={pointer + detail} class="fault-line">
                {pointer} {detail}
              </span>
            ))}
          </p>
        )}
        <div class="row">
          <button type="submit" class="primary" disabled={busy || upload.busy !== null}>
            {busy ? "Submitting…" : "Run"}
          </button>
          {upload.busy !== null && <span class="muted">Uploading {upload.busy}…</span>}
        </div>
      </form>
    </DropZone>
  );
}

/** What the fields begin with: the schema's example where it has one. */
function startOf(members: readonly Member[], model: Model): Record<string, string> {
  const example = exampleOf(model);
  const known =
    typeof example === "object" && example !== null && !Array.isArray(example) ? (example as Readonly<Record<string, unknown>>) : {}; // an object
  return Object.fromEntries(
    members.map(({ name, initial }) => {
      const its = known[name];
      return [name, its === undefined ? initial : typeof its === "string" ? its : JSON.stringify(its)];
    }),
  );
}

function Entry({
  member,
  value,
  fault,
  change,
}: {
  readonly member: Member;
  readonly value: string;
  readonly fault: string | null;
  readonly change: (value: string) => void;
}) {
  const { name, kind, hint, required, choices } = member;
  const upload = useUpload(change);
  const field = (
    <Field label={required ? `${name} *` : name} hint={hint} fault={fault}>
      {(its) => {
        if (kind === "choice" || kind === "yes") {
          return (
            <select {...its} value={value} onChange={({ currentTarget }) => change(currentTarget.value)}>
              <option value="">–</option>
              {(kind === "yes" ? ["true", "false"] : choices).map((choice) => (
                <option key={choice} value={choice}>
                  {choice}
                </option>
              ))}
            </select>
          );
        }
        if (kind === "long" || kind === "json") {
          return (
            <textarea {...its} rows={4} value={value} required={required} onInput={({ currentTarget }) => change(currentTarget.value)} />
          );
        }
        return (
          <input
            {...its}
            type={kind === "number" ? "number" : "text"}
            {...(kind === "number" ? { step: "any" } : {})}
            autocomplete="off"
            required={required}
            placeholder={kind === "file" ? "A URL, or drop a file here" : ""}
            value={value}
            onInput={({ currentTarget }) => change(currentTarget.value)}
          />
        );
      }}
    </Field>
  );
  if (kind !== "file") return field;
  return (
    <DropZone take={upload.take}>
      {field}
      <div class="row file-row">
        <ChooseFile take={upload.take} busy={upload.busy} label={`File for ${name}`} />
        <Preview reference={value} />
      </div>
    </DropZone>
  );
}

/** The input as JSON; a file that is dropped stands in it, as its reference, where the cursor is. */
function Raw(its: Its) {
  const [text, setText] = useState(() => JSON.stringify(exampleOf(its.model), null, 2));
  const [at, setAt] = useState<readonly [number, number]>([0, 0]);
  const [last, setLast] = useState("");
  const { submit, busy, faults, message } = useSubmit(its);
  const upload = useUpload((reference) => {
    setLast(reference);
    setText((was) => was.slice(0, at[0]) + JSON.stringify(reference) + was.slice(at[1]));
  });
  return (
    <DropZone take={upload.take}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit(() => JSON.parse(text) as unknown);
        }}
      >
        <Field label="Input" hint="JSON. Files that are dropped here are uploaded, and stand where the cursor is." fault={message}>
          {(field) => (
            <textarea
              {...field}
              rows={14}
              spellcheck={false}
              value={text}
              onInput={({ currentTarget }) => setText(currentTarget.value)}
              onBlur={({ currentTarget }) => setAt([currentTarget.selectionStart, currentTarget.selectionEnd])}
            />
          )}
        </Field>
        {faults.map(({ pointer, detail }) => (
          <p key={pointer + detail} class="fault">
            {pointer} {detail}
          </p>
        ))}
        <Preview reference={last} />
        <div class="row">
          <button type="submit" class="primary" disabled={busy || upload.busy !== null}>
            {busy ? "Submitting…" : "Run"}
          </button>
          <ChooseFile take={upload.take} busy={upload.busy} label="File for the input" />
        </div>
      </form>
    </DropZone>
  );
}
