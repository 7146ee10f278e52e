/** A button that copies a text. */
import { toast } from "./toast.tsx";

export function Copy({ text, what, label = "Copy" }: { readonly text: string; readonly what: string; readonly label?: string }) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      toast(`Copied ${what}`);
    } catch (error) {
      toast(`The browser did not let the page copy: ${error instanceof Error ? error.message : String(error)}`, { bad: true });
    }
  };
  return (
    <button type="button" class="quiet" onClick={() => void copy()} aria-label={`Copy ${what}`}>
      {label}
    </button>
  );
}
