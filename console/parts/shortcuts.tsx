/** The keyboard: "g" and a page's key opens it, "/" goes to the search, "j" and "k" along a list, "?" shows all of them. */
import { useEffect, useRef } from "preact/hooks";
import type { Page } from "../pages.ts";
import { Dialog } from "./dialog.tsx";

/** How long after "g" a page's key counts. */
const TOGETHER_MS = 1_500;

const isTyping = (target: EventTarget | null) =>
  target instanceof HTMLElement && (target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName));

export function useShortcuts(pages: readonly Page[], go: (path: string) => void, help: () => void): void {
  const leaderAt = useRef(-Infinity); // a page that is drawn between the two keys does not part them
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const { key } = event;
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return;
      if (performance.now() - leaderAt.current < TOGETHER_MS) {
        leaderAt.current = -Infinity;
        const page = pages.find(({ nav }) => nav?.key === key);
        if (page) go(page.path);
      } else if (key === "g") leaderAt.current = performance.now();
      else if (key === "?") help();
      else if (key === "/") focusOn("[data-filter]", event);
      else if (key === "j" || key === "k") step(key === "j" ? 1 : -1, event);
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [pages, go, help]);
}

function focusOn(selector: string, event: KeyboardEvent): void {
  const found = document.querySelector<HTMLElement>(selector);
  if (!found) return;
  event.preventDefault();
  found.focus();
}

/** To the next or the previous row of a list. */
function step(by: 1 | -1, event: KeyboardEvent): void {
  const rows = [...document.querySelectorAll<HTMLElement>("[data-row]")];
  const at = rows.findIndex((row) => row === document.activeElement);
  const next = rows[at < 0 ? 0 : at + by];
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

export function Help({ pages, close }: { readonly pages: readonly Page[]; readonly close: () => void }) {
  const all: (readonly [keys: readonly string[], what: string])[] = [
    ...pages.flatMap(({ nav, title }) => (nav ? [[["g", nav.key], title] as const] : [])),
    [["j"], "Next row"],
    [["k"], "Previous row"],
    [["/"], "Search"],
    [["Esc"], "Close"],
    [["?"], "Shortcuts"],
  ];
  return (
    <Dialog title="Shortcuts" close={close}>
      <dl class="shortcuts">
        {all.map(([keys, what]) => (
          <div key={what}>
            <dt>{what}</dt>
            <dd>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dd>
          </div>
        ))}
      </dl>
      <div class="row end">
        <button type="button" onClick={close}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
