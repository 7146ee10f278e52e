/** Tabs, one of which is open; arrows move between them (WAI-ARIA's pattern). */
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

export interface Tab {
  readonly name: string;
  readonly title: string;
  readonly draw: () => ComponentChildren;
}

export function Tabs({
  label,
  tabs,
  open,
  choose,
}: {
  readonly label: string;
  readonly tabs: readonly Tab[];
  readonly open: string;
  readonly choose: (name: string) => void;
}) {
  const id = useId();
  const at = Math.max(
    0,
    tabs.findIndex(({ name }) => name === open),
  );
  const chosen = tabs[at];
  const move = (by: number) => {
    const next = tabs[(at + by + tabs.length) % tabs.length];
    if (!next) return;
    choose(next.name);
    document.getElementById(`${id}-${next.name}`)?.focus();
  };
  return (
    <>
      <div
        class="tabs"
        role="tablist"
        aria-label={label}
        onKeyDown={({ key }) => {
          if (key === "ArrowRight") move(1);
          if (key === "ArrowLeft") move(-1);
        }}
      >
        {tabs.map(({ name, title }) => (
          <button
            key={name}
            id={`${id}-${name}`}
            type="button"
            role="tab"
            aria-selected={name === chosen?.name}
            aria-controls={`${id}-panel`}
            tabIndex={name === chosen?.name ? 0 : -1}
            onClick={() => choose(name)}
          >
            {title}
          </button>
        ))}
      </div>
      <div id={`${id}-panel`} class="tab-panel" role="tabpanel" aria-labelledby={`${id}-${chosen?.name ?? ""}`}>
        {chosen?.draw()}
      </div>
    </>
  );
}
