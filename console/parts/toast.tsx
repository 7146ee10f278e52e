/** Short messages about what was just done; a screen reader says them. */
import { useEffect, useState } from "preact/hooks";

interface Toast {
  readonly id: number;
  readonly text: string;
  readonly bad: boolean;
}

const SHOWN_MS = 6_000;
let show: (text: string, bad: boolean) => void = () => undefined;

/** Says that something worked, or with `bad` that it did not. */
export function toast(text: string, { bad = false }: { readonly bad?: boolean } = {}): void {
  show(text, bad);
}

export function Toasts() {
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  useEffect(() => {
    let last = 0;
    show = (text, bad) => {
      const id = ++last;
      setToasts((were) => [...were, { id, text, bad }]);
      setTimeout(() => setToasts((were) => were.filter((it) => it.id !== id)), SHOWN_MS);
    };
  }, []);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.map(({ id, text, bad }) => (
        <p key={id} class={bad ? "toast bad" : "toast"}>
          {text}
        </p>
      ))}
    </div>
  );
}
