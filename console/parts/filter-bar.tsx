/** The filters of the list of inferences: a text, and any of the others, each shown while it is set. */
import { useEffect, useState } from "preact/hooks";
import type { Session } from "../api.ts";
import type { FilterName, Filters } from "../inferences.ts";
import { Dialog } from "./dialog.tsx";
import { Select, TextField } from "./field.tsx";

const TYPED_MS = 300;

const NAMES: Readonly<Partial<Record<FilterName, string>>> = {
  account_id: "Account",
  model: "Model",
  version: "Version",
  error_class: "Error class",
  error_code: "Error code",
  backend: "Backend",
  dialect: "Wire",
  key: "Key",
  metadata: "Metadata",
  created_after: "Submitted from",
  created_before: "Submitted before",
  finished_after: "Ended from",
  finished_before: "Ended before",
  order: "Order",
};
const CLASSES = ["input", "model", "capacity", "infrastructure", "timeout"];
const WIRES = ["claimcheck", "vody", "reka", "baseten", "fal", "runpod", "replicate", "oip", "openai"];
const TIMES: readonly FilterName[] = ["created_after", "created_before", "finished_after", "finished_before"];

export function FilterBar({
  session,
  filters,
  change,
}: {
  readonly session: Session;
  readonly filters: Filters;
  /** An empty value takes a filter away. */
  readonly change: (changes: Filters) => void;
}) {
  const [open, setOpen] = useState(false);
  const shown = (Object.keys(NAMES) as FilterName[]).filter((name) => filters[name]); // its own names
  return (
    <div class="filter-bar">
      <Search value={filters.q ?? ""} change={(q) => change({ q })} />
      <button type="button" onClick={() => setOpen(true)}>
        Filter
      </button>
      {shown.map((name) => (
        <button
          key={name}
          type="button"
          class="chip on"
          onClick={() => change({ [name]: "" })}
          aria-label={`Remove the filter ${NAMES[name]}`}
        >
          {NAMES[name]}: {filters[name]} <span aria-hidden="true">×</span>
        </button>
      ))}
      {shown.length > 1 && (
        <button type="button" class="quiet" onClick={() => change(Object.fromEntries(shown.map((name) => [name, ""])))}>
          Remove all
        </button>
      )}
      {open && <FilterDialog session={session} filters={filters} change={change} close={() => setOpen(false)} />}
    </div>
  );
}

function Search({ value, change }: { readonly value: string; readonly change: (text: string) => void }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => change(text), TYPED_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <input
      type="search"
      class="search"
      data-filter
      aria-label="Search ids, models, metadata and errors"
      placeholder="Search ids, models, metadata, errors"
      maxLength={128}
      value={text}
      onInput={({ currentTarget }) => setText(currentTarget.value)}
    />
  );
}

function FilterDialog({
  session,
  filters,
  change,
  close,
}: {
  readonly session: Session;
  readonly filters: Filters;
  readonly change: (changes: Filters) => void;
  readonly close: () => void;
}) {
  const [draft, setDraft] = useState<Filters>(filters);
  const set = (name: FilterName, value: string) => setDraft((was) => ({ ...was, [name]: value }));
  const field = (name: FilterName, placeholder = "") => (
    <TextField label={NAMES[name] ?? name} value={draft[name] ?? ""} placeholder={placeholder} change={(value) => set(name, value)} />
  );
  const choice = (name: FilterName, options: readonly string[], none: string) => (
    <Select
      label={NAMES[name] ?? name}
      value={draft[name] ?? ""}
      options={[["", none], ...options.map((option) => [option, option] as const)]}
      change={(value) => set(name, value)}
    />
  );
  return (
    <Dialog title="Filter inferences" close={close}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          change(draft);
          close();
        }}
      >
        <div class="fields">
          {session.kind === "operator" && field("account_id")}
          {field("model")}
          {field("version")}
          {choice("error_class", CLASSES, "any")}
          {field("error_code", "backend_timeout")}
          {field("backend")}
          {choice("dialect", WIRES, "any")}
          {field("key")}
          {field("metadata", "order=4711")}
          {TIMES.map((name) => (
            <TimeField key={name} label={NAMES[name] ?? name} value={draft[name] ?? ""} change={(value) => set(name, value)} />
          ))}
          <Select
            label="Order"
            value={draft.order ?? ""}
            options={[
              ["", "newest first"],
              ["asc", "oldest first"],
            ]}
            change={(value) => set("order", value)}
          />
        </div>
        <div class="row end">
          <button type="button" onClick={close}>
            Close
          </button>
          <button type="submit" class="primary">
            Apply
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** A time of this machine's clock; in the address it is UTC. */
function TimeField({ label, value, change }: { readonly label: string; readonly value: string; readonly change: (value: string) => void }) {
  const local = value === "" ? "" : localOf(new Date(value));
  return (
    <TextField
      label={label}
      type="datetime-local"
      value={local}
      change={(text) => change(text === "" ? "" : new Date(text).toISOString())}
    />
  );
}

function localOf(at: Date): string {
  return Number.isNaN(at.getTime()) ? "" : new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
