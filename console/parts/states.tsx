/** What a page shows instead of its content: that it loads, that there is nothing, or what went wrong. */
import type { ComponentChildren } from "preact";
import { ApiError } from "../api.ts";

export function Loading({ what = "Loading" }: { readonly what?: string }) {
  return (
    <div class="state" role="status">
      <span class="spinner" aria-hidden="true" />
      {what}…
    </div>
  );
}

export function Empty({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <div class="state">
      <p class="state-title">{title}</p>
      {children}
    </div>
  );
}

/** A failure, with what to do: try again, and the request's id for the operator's log. */
export function Failed({ error, retry }: { readonly error: unknown; readonly retry?: () => void }) {
  return (
    <div class="state failed" role="alert">
      <p class="state-title">{messageOf(error)}</p>
      {error instanceof ApiError && error.requestId && (
        <p class="muted">
          Request <code>{error.requestId}</code>
        </p>
      )}
      {retry && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** For people: what an error says. */
export function messageOf(error: unknown): string {
  if (error instanceof ApiError) return error.detail;
  return error instanceof Error ? `There was no answer from the deployment (${error.message}).` : String(error);
}
