/** A field of a form with its label, a hint and what is wrong with it, bound together for screen readers. */
import type { ComponentChildren, JSX } from "preact";
import { useId } from "preact/hooks";

interface Described {
  readonly id: string;
  readonly "aria-describedby": string | undefined;
  readonly "aria-invalid": boolean | undefined;
}

export function Field({
  label,
  hint,
  fault,
  children,
}: {
  readonly label: string;
  readonly hint?: ComponentChildren;
  readonly fault?: string | null;
  /** Gets what the input must have. */
  readonly children: (its: Described) => ComponentChildren;
}) {
  const id = useId();
  const described = hint || fault ? `${id}-note` : undefined;
  return (
    <div class="field">
      <label htmlFor={id}>{label}</label>
      {children({ id, "aria-describedby": described, "aria-invalid": fault ? true : undefined })}
      {described && (
        <p id={described} class={fault ? "fault" : "hint"}>
          {fault ?? hint}
        </p>
      )}
    </div>
  );
}

/** A field of one line. */
export function TextField({
  label,
  hint,
  fault,
  value,
  change,
  ...rest
}: Omit<JSX.InputHTMLAttributes, "value" | "label"> & {
  readonly label: string;
  readonly hint?: ComponentChildren;
  readonly fault?: string | null;
  readonly value: string;
  readonly change: (value: string) => void;
}) {
  return (
    <Field label={label} hint={hint} fault={fault ?? null}>
      {(its) => <input type="text" {...rest} {...its} value={value} onInput={({ currentTarget }) => change(currentTarget.value)} />}
    </Field>
  );
}

/** One of some. */
export function Select({
  label,
  value,
  options,
  change,
}: {
  readonly label: string;
  readonly value: string;
  /** Each value, and how it reads. */
  readonly options: readonly (readonly [value: string, text: string])[];
  readonly change: (value: string) => void;
}) {
  return (
    <Field label={label}>
      {(its) => (
        <select {...its} value={value} onChange={({ currentTarget }) => change(currentTarget.value)}>
          {options.map(([option, text]) => (
            <option key={option} value={option}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
