/** A form in a dialog, made from what its fields are. What the API says is wrong stands at the field that it is about. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { ApiError } from "../api.ts";
import { Dialog } from "./dialog.tsx";
import { Field } from "./field.tsx";
import { messageOf } from "./states.tsx";

export interface Input {
  /** Of the member in the call's body, by which a fault is found. */
  readonly name: string;
  readonly label: string;
  readonly hint?: ComponentChildren;
  readonly kind?: "text" | "number" | "select" | "words" | "checks" | "lines" | "time";
  /** Of a select or of checks: each value, and how it reads. */
  readonly options?: readonly (readonly [value: string, text: string])[];
  readonly required?: boolean;
  readonly placeholder?: string;
}

export type Values = Readonly<Record<string, string>>;

export function FormDialog({
  title,
  inputs,
  initial,
  action,
  work,
  close,
  children,
}: {
  readonly title: string;
  readonly inputs: readonly Input[];
  readonly initial: Values;
  /** On the button. */
  readonly action: string;
  /** Does it with the texts that were entered; the dialog closes when it has. */
  readonly work: (values: Values) => Promise<unknown>;
  readonly close: () => void;
  readonly children?: ComponentChildren;
}) {
  const [values, setValues] = useState<Values>(initial);
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const faults = error instanceof ApiError ? error.errors : [];
  const faultOf = (name: string) => faults.find(({ pointer }) => pointer.replace(/^#?\//, "").split("/")[0] === name)?.detail ?? null;
  const others = faults.filter(({ pointer }) => !inputs.some(({ name }) => pointer.replace(/^#?\//, "").split("/")[0] === name));
  const act = async () => {
    setBusy(true);
    setError(null);
    try {
      await work(values);
      close();
    } catch (reason) {
      setError(reason);
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} close={close}>
      <form
        class="form"
        onSubmit={(event) => {
          event.preventDefault();
          void act();
        }}
      >
        {children}
        {inputs.map((input) => (
          <Entry
            key={input.name}
            input={input}
            value={values[input.name] ?? ""}
            fault={faultOf(input.name)}
            change={(value) => setValues((were) => ({ ...were, [input.name]: value }))}
          />
        ))}
        {error !== null && (faults.length === 0 || others.length > 0) && (
          <p class="notice bad" role="alert">
            {faults.length === 0 ? messageOf(error) : others.map(({ pointer, detail }) => `${pointer} ${detail}`).join("; ")}
          </p>
        )}
        <div class="row end">
          <button type="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class="primary" disabled={busy}>
            {action}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Entry({
  input,
  value,
  fault,
  change,
}: {
  readonly input: Input;
  readonly value: string;
  readonly fault: string | null;
  readonly change: (value: string) => void;
}) {
  const { kind = "text", label, hint, options = [], required, placeholder } = input;
  if (kind === "checks") {
    const chosen = new Set(wordsIn(value));
    const toggle = (word: string, on: boolean) =>
      change(options.flatMap(([option]) => ((option === word ? on : chosen.has(option)) ? [option] : [])).join(","));
    return (
      <fieldset class="checks">
        <legend>{label}</legend>
        {options.map(([option, text]) => (
          <label key={option} class="check">
            <input type="checkbox" checked={chosen.has(option)} onChange={({ currentTarget }) => toggle(option, currentTarget.checked)} />
            {text}
          </label>
        ))}
        {(fault ?? hint) && <p class={fault ? "fault" : "hint"}>{fault ?? hint}</p>}
      </fieldset>
    );
  }
  return (
    <Field label={label} hint={hint} fault={fault}>
      {(its) => {
        if (kind === "select") {
          return (
            <select {...its} value={value} onChange={({ currentTarget }) => change(currentTarget.value)}>
              {options.map(([option, text]) => (
                <option key={option} value={option}>
                  {text}
                </option>
              ))}
            </select>
          );
        }
        if (kind === "lines")
          return (
            <textarea {...its} rows={6} spellcheck={false} value={value} onInput={({ currentTarget }) => change(currentTarget.value)} />
          );
        const type = kind === "number" ? "number" : kind === "time" ? "datetime-local" : "text";
        return (
          <input
            {...its}
            type={type}
            {...(kind === "number" ? { step: "any", min: 0 } : {})}
            autocomplete="off"
            spellcheck={false}
            required={required}
            placeholder={placeholder}
            value={value}
            onInput={({ currentTarget }) => change(currentTarget.value)}
          />
        );
      }}
    </Field>
  );
}

/** Words with commas between. */
export const wordsIn = (text: string): string[] =>
  text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");

/** The number in a field; nothing if it is empty. */
export const numberIn = (text: string | undefined): number | undefined => (text?.trim() ? Number(text) : undefined);

/** The same, where empty takes a setting away. */
export const numberOrNull = (text: string | undefined): number | null => numberIn(text) ?? null;

/** The instant in a field of the browser's own time; null if it is empty. */
export const instantIn = (text: string | undefined): string | null => (text ? new Date(text).toISOString() : null);

/** An instant as such a field shows it. */
export function asLocal(at: string | null): string {
  if (at === null) return "";
  const time = new Date(at);
  return new Date(time.getTime() - time.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
