/** Inferences as the console reads them: an account's own, or those of all accounts for the operator, by the same filters. */
import { type Inference, type Session, client, get, withQuery } from "./api.ts";

/** A row of the list: what is asked for of each. The operator's have their account. */
export type Row = Pick<
  Inference,
  | "id"
  | "model"
  | "version"
  | "status"
  | "is_final"
  | "attempts"
  | "created_at"
  | "started_at"
  | "finished_at"
  | "metrics"
  | "error"
  | "waiting_on"
  | "progress"
> & { readonly account_id?: string };

export type Detail = Inference & { readonly account_id?: string };

const FIELDS = "id,model,version,status,is_final,attempts,created_at,started_at,finished_at,metrics,error,waiting_on,progress" as const;

/** The filters of the list, as they stand in the page's address and in the call. `metadata` is `name=value`. */
export const FILTERS = [
  "q",
  "status",
  "model",
  "version",
  "error_class",
  "error_code",
  "backend",
  "dialect",
  "key",
  "metadata",
  "created_after",
  "created_before",
  "finished_after",
  "finished_before",
  "order",
  "account_id",
] as const;
export type FilterName = (typeof FILTERS)[number];
export type Filters = Readonly<Partial<Record<FilterName, string>>>;

export function filtersIn(query: URLSearchParams): Filters {
  return Object.fromEntries(FILTERS.flatMap((name) => (query.get(name) ? [[name, query.get(name)]] : []))) as Filters; // of those names
}

function asQuery({ metadata, ...filters }: Filters): Record<string, string | undefined> {
  const [name, ...value] = (metadata ?? "").split("=");
  return { ...filters, ...(name ? { [`metadata[${name}]`]: value.join("=") } : {}) };
}

const base = (session: Session) => (session.kind === "operator" ? "/admin/v1/inferences" : "/v1/inferences");

export interface ListPage {
  readonly data: readonly Row[];
  readonly next: string | null;
}

const PAGE_ROWS = 50;
/** A page with a filter may be empty while there are more; so many are asked for at once before the reader is. */
const EMPTY_PAGES = 10;

export async function listPage(session: Session, filters: Filters, after: string | null, signal?: AbortSignal): Promise<ListPage> {
  let cursor = after;
  for (let empty = 0; ; empty++) {
    const query = { ...asQuery(filters), fields: FIELDS, limit: PAGE_ROWS, after: cursor };
    const page = await get<ListPage>(withQuery(base(session), query), { signal });
    if (page.data.length > 0 || page.next === null || empty >= EMPTY_PAGES) return page;
    cursor = page.next;
  }
}

export interface Counts {
  readonly counts: Readonly<Record<Inference["status"], number>>;
  /** Whether there are more than were counted. */
  readonly next: string | null;
}

export function countOf(session: Session, filters: Filters, signal?: AbortSignal): Promise<Counts> {
  const { status: _, order: __, ...others } = filters;
  return get<Counts>(withQuery(`${base(session)}/counts`, asQuery(others)), { signal });
}

/** The path of one inference in the API; the operator's has its account. */
export function pathOf(session: Session, { id, account }: { readonly id: string; readonly account: string | undefined }): string {
  return session.kind === "operator" ? `${base(session)}/${account ?? ""}/${id}` : `${base(session)}/${id}`;
}

/** The same as a page of the console. */
export function pageOf({ id, account_id }: Pick<Row, "id" | "account_id">): string {
  return account_id === undefined ? `/inferences/${id}` : `/inferences/${account_id}/${id}`;
}

/** A span of an inference's life, as `GET …/timeline` has it. */
export interface Span {
  readonly id: string;
  readonly parent_id: string | null;
  readonly name: string;
  readonly start_at: string;
  readonly end_at: string | null;
  readonly outcome: string | null;
  readonly attempt?: number;
  readonly backend?: string;
  readonly waiting_on?: string | null;
  readonly first_byte_at?: string;
  readonly error?: { readonly class: string; readonly code: string; readonly message: string };
  readonly event?: string;
  readonly url?: string;
  readonly result?: string;
  readonly http_status?: number | null;
}

export interface Timeline {
  readonly trace_id: string;
  readonly spans: readonly Span[];
  readonly moments: readonly { readonly name: string; readonly at: string; readonly message?: string }[];
  readonly is_cut: boolean;
}

export interface Delivery {
  readonly id: string;
  /** Null of the account itself. */
  readonly inference_id: string | null;
  readonly event: string;
  readonly url: string;
  readonly status: string;
  readonly held: boolean;
  readonly created_at: string;
  readonly next_attempt_at: string | null;
  readonly attempts: readonly {
    readonly at: string;
    readonly outcome: string;
    readonly status_code: number | null;
    readonly duration_ms: number;
    /** The beginning of what it answered. */
    readonly answer: string | null;
    readonly error: string | null;
  }[];
}

/** What happens to an account's inferences, as it happens: each event's inference. Ends with `signal`. */
export async function* changesOf(id: string | null, signal: AbortSignal): AsyncGenerator<Row | null, void, undefined> {
  for await (const { data } of client.events(id, { signal })) yield (data["inference"] as Row | undefined) ?? null; // as its schema has it
}
