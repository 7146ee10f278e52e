/** Cancel and redrive of all that filters pick: each call does a bounded number, and says from where the next goes on. */
import type { Calls } from "./calls.ts";
import type { CallOptions, Filters } from "./client.ts";

/** What was canceled; with `dry_run` what would be. */
export interface Canceled {
  readonly looked_at: number;
  readonly canceled: number;
}

/** What was redriven; with `dry_run` what would be. */
export interface Redriven {
  readonly looked_at: number;
  readonly redriven: number;
  /** Those that can't run again, by the code that a redrive of one alone answers. */
  readonly refused: Readonly<Record<string, number>>;
}

interface Page {
  readonly looked_at: number;
  readonly matched?: number;
  readonly canceled?: number;
  readonly redriven?: number;
  readonly refused?: readonly { readonly code: string; readonly count: number }[];
  readonly next: string | null;
}

export async function cancelMany(calls: Calls, filters: CallOptions & Filters): Promise<Canceled> {
  let [looked, canceled] = [0, 0];
  for await (const page of pagesOf(calls, "cancel", filters)) {
    looked += page.looked_at;
    canceled += page.canceled ?? page.matched ?? 0;
  }
  return { looked_at: looked, canceled };
}

export async function redriveMany(calls: Calls, filters: CallOptions & Filters): Promise<Redriven> {
  let [looked, redriven] = [0, 0];
  const refused: Record<string, number> = {};
  for await (const page of pagesOf(calls, "redrive", filters)) {
    looked += page.looked_at;
    redriven += page.redriven ?? page.matched ?? 0;
    for (const { code, count } of page.refused ?? []) refused[code] = (refused[code] ?? 0) + count;
  }
  return { looked_at: looked, redriven, refused };
}

async function* pagesOf(calls: Calls, verb: "cancel" | "redrive", { signal, ...filters }: CallOptions & Filters) {
  const path = `/v1/inferences/${verb}`;
  for (let after: string | null | undefined; after !== null;) {
    const body = after === undefined ? filters : { ...filters, after };
    const page: Page = await calls.json(path, { method: "POST", body, repeatable: verb === "cancel", signal }); // a redrive may begin a second run
    yield page;
    after = page.next;
  }
}
