/** A few numbers at the head of a page, and how full something is. */
import type { ComponentChildren } from "preact";
import { number } from "./time.tsx";

export interface Figure {
  readonly title: string;
  readonly value: ComponentChildren;
  readonly note?: ComponentChildren;
  readonly tone?: "bad" | "warn";
}

export function Figures({ figures, label }: { readonly figures: readonly Figure[]; readonly label: string }) {
  return (
    <dl class="figures" aria-label={label}>
      {figures.map(({ title, value, note, tone }) => (
        <div key={title} class="figure">
          <dt>{title}</dt>
          <dd class={`figure-value ${tone ?? ""}`}>{value}</dd>
          {note && <dd class="figure-note">{note}</dd>}
        </div>
      ))}
    </dl>
  );
}

/** So much of so much. */
export function Meter({
  value,
  of,
  label,
  show = number,
}: {
  readonly value: number;
  readonly of: number;
  readonly label: string;
  readonly show?: (value: number) => string;
}) {
  const share = of > 0 ? Math.min(1, value / of) : 0;
  return (
    <span
      class="meter"
      role="meter"
      aria-label={label}
      aria-valuenow={value}
      aria-valuemin={0}
      aria-valuemax={of}
      aria-valuetext={`${show(value)} of ${show(of)}`}
    >
      <span class="meter-track">
        <span class={`meter-fill ${share >= 0.9 ? "full" : ""}`} style={{ width: `${share * 100}%` }} />
      </span>
      <span class="meter-text">
        {show(value)} / {show(of)}
      </span>
    </span>
  );
}
