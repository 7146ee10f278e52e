/**
 * The console's calls: the client that everybody has, whose key is the session's cookie. Nothing here that the API can't do. Each
 * call carries `X-Console`, which no other site's page can send, and a session that is over is told to the shell.
 */
import { ApiError, Claimcheck } from "../client/typescript/client.ts";

export { ApiError };
export type * from "../client/typescript/types.ts";

/** Who is signed in, as `GET /console/session` answers. */
export type Session =
  | {
      readonly kind: "account";
      readonly name: null;
      readonly account: { readonly id: string; readonly name: string };
      readonly key: { readonly id: string; readonly name: string; readonly scopes: readonly string[] };
      readonly expires_at: string;
    }
  | { readonly kind: "operator"; readonly name: string | null; readonly account: null; readonly key: null; readonly expires_at: string };

const SESSION = "/console/session";

/** Told, with the reason, when a call finds that the session is over. */
let whenOver: (reason: string) => void = () => undefined;
export function onSessionOver(tell: (reason: string) => void): void {
  whenOver = tell;
}

async function send(url: string, init: RequestInit): Promise<Response> {
  const headers = new Headers(init.headers);
  headers.delete("Authorization"); // the cookie says who asks
  headers.set("X-Console", "1");
  // What failed may be kept for a second, in which it may have been redriven here: the page asks whether it has changed.
  const answer = await fetch(url, { ...init, headers, credentials: "same-origin", cache: "no-cache" });
  if (answer.status === 401) {
    const { detail } = await refusalOf(answer.clone());
    if (!(await isSignedIn())) whenOver(detail);
  }
  return answer;
}

async function refusalOf(answer: Response): Promise<ApiError> {
  const text = await answer.text();
  try {
    return new ApiError(answer.status, JSON.parse(text) as Record<string, unknown>, answer.headers); // every refusal is problem details
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error; // a proxy's page is no JSON
    return new ApiError(answer.status, { detail: `The deployment answered ${answer.status}.` }, answer.headers);
  }
}

/** The client of accounts' calls. */
export const client = new Claimcheck({ url: location.origin, key: "", fetch: send, maxRetries: 2 });

export interface Asked {
  readonly method?: "GET" | "HEAD" | "POST" | "PATCH" | "PUT" | "DELETE";
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** One call of the API, for what the client has no method for. Throws `ApiError` for a refusal. */
export async function ask(path: string, { method = "GET", body, headers, signal }: Asked = {}): Promise<Response> {
  const answer = await send(path, {
    method,
    headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(signal ? { signal } : {}),
  });
  if (answer.ok) return answer;
  throw await refusalOf(answer);
}

/** The same, for its JSON. `T` is what the route's schema says. */
export async function get<T>(path: string, asked: Asked = {}): Promise<T> {
  const answer = await ask(path, asked);
  return (answer.status === 204 ? null : await answer.json()) as T;
}

/** A path with what is set of a query. */
export function withQuery(path: string, query: Readonly<Record<string, string | number | boolean | null | undefined>>): string {
  const set = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") set.set(name, String(value));
  }
  return set.size > 0 ? `${path}?${set.toString()}` : path;
}

/** A call may be refused to one who is signed in, such as an operator's to an account. */
async function isSignedIn(): Promise<boolean> {
  const { status } = await fetch(SESSION);
  return status !== 401 && status !== 204;
}

/** Who is signed in; null if nobody is. Renews the session. */
export async function currentSession(): Promise<Session | null> {
  const answer = await fetch(SESSION);
  if (answer.status === 204 || answer.status === 401) return null; // nobody, or one whose key counts no more
  if (!answer.ok) throw await refusalOf(answer);
  return (await answer.json()) as Session;
}

/** Exchanges a key, or the operator's token, for a session. It is sent once, as in every call with a key, and kept nowhere. */
export async function signIn(secret: string): Promise<Session> {
  const answer = await fetch(SESSION, { method: "POST", headers: { Authorization: `Bearer ${secret}`, "X-Console": "1" } });
  if (!answer.ok) throw await refusalOf(answer);
  return (await answer.json()) as Session;
}

export async function signOut(): Promise<void> {
  await ask(SESSION, { method: "DELETE" });
}
