/**
 * What a client says beside its input and we keep for later: the host that it reached us under, the webhook that it names,
 * the key under which it may repeat a submit, the trace that it is in. Each is judged before anything is stored.
 */
import { spanOfCall, storedTrace, traceIn, traceparentOf } from "../inferences/trace.ts";
import type { Submission } from "../inferences/submission.ts";
import { ENDS, type EventName, type Webhook } from "../inferences/webhook.ts";
import { digestOf } from "../keys/key.ts";
import { IDEMPOTENCY_KEY_CHARACTERS, NAMES_KNOWN, NAME_KNOWN_MS } from "../limits.ts";
import { type Fault, problem } from "../problem.ts";
import { judgeName, judgeTarget } from "../webhooks/target.ts";
import type { Call, KeyCall } from "./route.ts";

/** This machine; Cloudflare's own domain, whose hosts it routes itself; and a domain that exists in tests alone (RFC 6761). */
const OWN_HOST = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]|.+\.localhost|.+\.workers\.dev|.+\.test)$/;

/**
 * The origin that later links to backends and webhooks are made of, when there is no request to ask: `PUBLIC_URL`; if that is
 * empty, the request's own. A client chooses its `Host`, so an origin that the operator did not set is taken only if nobody
 * else can own it. Throws 400 for one that can't be trusted.
 */
export function storedOrigin({ config, origin }: Pick<Call, "config" | "origin">): string {
  if (config.publicUrl !== "") return config.publicUrl;
  const { hostname } = new URL(origin);
  if (OWN_HOST.test(hostname)) return origin;
  throw problem("bad_request", {
    detail: `This deployment does not know the host ${hostname.slice(0, 255)}, so it makes no links to it. Its operator must set PUBLIC_URL to the address that clients use.`,
  });
}

/**
 * Names that were found to be public, and until when (ms) that is taken for granted: who gives one URL with each inference
 * need not wait for the resolver each time. NAMES_KNOWN of them at most. Each attempt asks anyway.
 */
const known = new Map<string, number>();

/**
 * The one form of a URL that may be called. Throws 422, which names the reason; `path` is where the body has the URL.
 * A name that the resolver says nothing about is taken: each attempt asks again.
 */
export async function targetOf(call: Pick<Call, "config" | "ports">, text: string, path: Fault["path"]): Promise<string> {
  const refused = (detail: string) => problem("invalid_input", { faults: [{ path, detail }] });
  const judged = judgeTarget(text, call.config.targets);
  if (!judged.ok) throw refused(judged.reason);
  const now = call.ports.clock.now();
  if (judged.name !== null && call.config.looksUpNames && (known.get(judged.name) ?? 0) < now) {
    const named = await judgeName(judged.name, call.ports.internet);
    if (named.verdict === "refused") throw refused(named.reason);
    if (known.size >= NAMES_KNOWN) known.clear();
    if (named.verdict === "public") known.set(judged.name, now + NAME_KNOWN_MS);
  }
  return judged.url;
}

/** A URL that is given with an inference, for `Submission.webhook`. Throws as targetOf does. */
export async function webhookOf(
  call: Pick<Call, "config" | "ports" | "origin">,
  url: string,
  path: Fault["path"],
  events: readonly EventName[] = ENDS,
): Promise<Webhook> {
  return { url: await targetOf(call, url, path), events, origin: storedOrigin(call) };
}

/**
 * `Idempotency-Key` of a submit, in any dialect, with the request's fingerprint; null if the client sent none. It is quoted as
 * the draft has it (draft-ietf-httpapi-idempotency-key-header-07), or bare as most clients send it. What makes two requests the
 * same is the path and the body, byte for byte. Throws 400 for a key that is none.
 */
export async function idempotencyOf(
  call: Pick<Call, "request" | "url">,
  body: string,
): Promise<{ key: string; fingerprint: string } | null> {
  const { request } = call;
  const header = request.headers.get("idempotency-key");
  if (header === null) return null;
  const text = header.trim();
  const key = text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1).replace(/\\(["\\])/g, "$1") : text;
  if (key === "" || key.length > IDEMPOTENCY_KEY_CHARACTERS || !/^[\x20-\x7e]+$/.test(key)) {
    throw problem("bad_request", { detail: `Idempotency-Key must be 1 to ${IDEMPOTENCY_KEY_CHARACTERS} printable ASCII characters.` });
  }
  return { key, fingerprint: await digestOf(`${call.url.pathname}\n${body}`) };
}

type Submitter = Pick<Submission, "accountId" | "keyId" | "trace">;

/** Who submits, and in which trace: what every wire's submission has of its call. */
export function submitterOf({ caller, request, requestId }: KeyCall): Submitter {
  const client = traceIn(request.headers);
  return { accountId: caller.accountId, keyId: caller.keyId, trace: client && storedTrace(spanOfCall(client, requestId)) };
}

/** `traceresponse` of a call that says in which trace it is: the call's own span in it (Trace Context, level 3). */
export function traceResponse({ request, requestId }: Pick<Call, "request" | "requestId">): Readonly<Record<string, string>> | null {
  const client = traceIn(request.headers);
  return client && { traceresponse: traceparentOf(spanOfCall(client, requestId)) };
}
