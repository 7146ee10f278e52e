/** Why an inference failed, and what helps. */
import type { Detail } from "../inferences.ts";
import { cureOf } from "./cures.ts";

export function Wrong({ error }: { readonly error: NonNullable<Detail["error"]> }) {
  return (
    <section class="notice bad" aria-label="What went wrong">
      <p>
        <strong>{error.code}</strong> <span class="muted">{error.class}</span>
      </p>
      <p class="message">{error.message}</p>
      <p class="muted">{cureOf(error)}</p>
    </section>
  );
}
