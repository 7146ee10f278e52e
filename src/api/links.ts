/**
 * Links that need no key (link-token.ts): a key that may read a file or a result makes them, and their holders follow them.
 * Every wrong link is refused with the same 403; only a true one is told that it has expired.
 */
import * as z from "zod";
import { findAccount } from "../accounts/store.ts";
import { findFile } from "../files/store.ts";
import { isUuid } from "../ids.ts";
import { LINK_METHODS, type Link, type LinkKind, type UPLOADS, readLink, refusalOf, signLink } from "../files/link-token.ts";
import { ADMIN_BODY_BYTES, LINK_SECONDS } from "../limits.ts";
import { problem } from "../problem.ts";
import type { Inference } from "../inferences/inference.ts";
import { findKey } from "../keys/store.ts";
import { mayTake } from "../http/account-limit.ts";
import { json } from "../http/answer.ts";
import { downloadAnswers } from "../http/download.ts";
import { check, readJsonIfAny } from "../http/body.ts";
import { lookUp } from "../http/lookup.ts";
import type { LinkTo } from "../http/output.ts";
import { wholeIn } from "../http/range.ts";
import { serveFile } from "./files.ts";
import { notFound } from "./present.ts";
import { getPart, getResult, partsOf } from "./results.ts";
import { type Call, type KeyCall, route } from "../http/route.ts";
import { time, timeSchema } from "../http/time.ts";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

const wantedSchema = z.lazy(() =>
  z.strictObject({
    expires_in_seconds: wholeIn(LINK_SECONDS.range)
      .default(LINK_SECONDS.default)
      .describe(`How long it is good for; ${LINK_SECONDS.default} by default.`),
    methods: z.array(z.enum(LINK_METHODS)).min(1).default(["GET"]).describe("What it may be used for; GET by default."),
  }),
);

const resultWantedSchema = z.lazy(() =>
  wantedSchema.unwrap().extend({
    part: z.string().optional().describe("One of the result's parts; the output by default."),
  }),
);

const linkSchema = z.object({ url: z.string(), methods: z.array(z.enum(LINK_METHODS)), expires_at: timeSchema });

const made = { 201: { description: "The link.", json: linkSchema } };

export const linkRoutes = [
  route(
    "read",
    "POST",
    "/v1/files/:id/link",
    {
      summary: "Make a link to a file that needs no key.",
      params: z.object({ id: z.string().describe("The file's id.") }),
      body: { raw: { "application/json": wantedSchema.optional() } },
      answers: made,
    },
    linkToFile,
  ),
  route(
    "read",
    "POST",
    "/v1/inferences/:id/link",
    {
      summary: "Make a link to an inference's result that needs no key.",
      params: z.object({ id: z.string().describe("The inference's id.") }),
      body: { raw: { "application/json": resultWantedSchema.optional() } },
      answers: made,
    },
    linkToResult,
  ),
  // All methods, so that one that a link does not allow is refused as a link is. What others add to its query is let be.
  ...METHODS.map((method) =>
    route(
      "open",
      method,
      "/v1/links/:token",
      {
        summary: method === "GET" ? "Follow a link." : `Refuse to ${method} by a link.`,
        params: z.object({ token: z.string().describe("What the link was made with.") }),
        query: z.looseObject({}),
        answers: method === "GET" ? downloadAnswers("The file or the result.") : { 403: { description: "A link allows no such method." } },
      },
      follow,
    ),
  ),
];

async function linkToFile(call: KeyCall): Promise<Response> {
  const id = (call.params["id"] ?? "").toLowerCase();
  if (!isUuid(id) || !(await findFile(call.ports.db, call.caller.accountId, id)))
    throw problem("file_not_found", { detail: `There is no file "${id.slice(0, 64)}".` });
  return linkTo(call, { kind: "file", id }, await wantedIn(call, wantedSchema));
}

/** Also before the end: until then it is answered as the result itself is. Parts have to be there. */
async function linkToResult(call: KeyCall): Promise<Response> {
  const { part: name, ...wanted } = await wantedIn(call, resultWantedSchema);
  const inference = await lookUp(call, notFound);
  const { id } = inference;
  if (name === undefined) return linkTo(call, { kind: "result", id }, wanted);
  const part = partsOf(inference).findIndex((each) => each.name === name);
  if (part === -1) throw problem("not_found", { detail: `The result has no part "${name.slice(0, 128)}".` });
  return linkTo(call, { kind: "result", part, id }, wanted);
}

async function wantedIn<T>(call: KeyCall, schema: z.ZodType<T>): Promise<T> {
  return check(schema, (await readJsonIfAny(call.request, ADMIN_BODY_BYTES)).value);
}

async function linkTo(call: KeyCall, to: Pick<Link, "kind" | "part" | "id">, wanted: z.infer<typeof wantedSchema>): Promise<Response> {
  const expiresAt = Math.floor(call.ports.clock.now() / 1000) + wanted.expires_in_seconds;
  const methods = LINK_METHODS.filter((method) => wanted.methods.includes(method));
  const { url } = await signedLink(call, { ...to, methods, expiresAt });
  const link = { url, methods, expires_at: time(expiresAt * 1000) };
  return json(link satisfies z.infer<typeof linkSchema>, { status: 201 });
}

/**
 * A link to a result, or to one of its parts, in a wire's answer, and until when it is good (s). It dies with the key that asked for it, and is the same for as long
 * as a link is good, so that the answer is, too.
 */
export function resultLink(call: KeyCall, id: string, part?: number): Promise<SignedLink> {
  const seconds = LINK_SECONDS.default;
  const expiresAt = (Math.floor(call.ports.clock.now() / 1000 / seconds) + 2) * seconds;
  return signedLink(call, { kind: "result", ...(part === undefined ? {} : { part }), id, methods: LINK_METHODS, expiresAt });
}

/** Such links alone, to one inference's output and its parts. */
export const resultLinks =
  (call: KeyCall, { id }: Pick<Inference, "id">): LinkTo =>
  async (part) =>
    (await resultLink(call, id, part)).url;

interface SignedLink {
  readonly url: string;
  readonly expiresAt: number;
}

async function signedLink(call: KeyCall, to: Omit<Link, "accountId" | "keyId">): Promise<SignedLink> {
  return { url: `${call.origin}/v1/links/${await tokenFor(call, to)}`, expiresAt: to.expiresAt };
}

/** The token of a link that the caller's key makes. */
export function tokenFor({ config, caller }: KeyCall, to: Omit<Link, "accountId" | "keyId">): Promise<string> {
  const { accountId, keyId } = caller;
  return signLink({ ...to, accountId, keyId }, config.keySecrets[0] ?? "");
}

/** The link in the path, if it allows the call. Throws 403 if it does not, 429 if there are too many. */
export async function liveLink(call: Call, purpose?: typeof UPLOADS): Promise<Link> {
  return (await linkIn(call, ["file", "result"], purpose)).link;
}

async function follow(call: Call): Promise<Response> {
  const link = await liveLink(call);
  const now = Math.floor(call.ports.clock.now() / 1000);
  const answer = await answerTo(link, call);
  const headers = new Headers(answer.headers);
  if (answer.status < 400) headers.set("Cache-Control", `private, max-age=${Math.max(0, link.expiresAt - now)}`);
  return new Response(answer.body, { status: answer.status, headers });
}

/** The same of these kinds, and who made it. */
export async function linkIn(
  call: Call,
  kinds: readonly LinkKind[],
  purpose?: typeof UPLOADS,
): Promise<{ readonly link: Link; readonly maker: Maker }> {
  const link = await readLink(call.params["token"] ?? "", call.config.keySecrets, purpose);
  if (!link || !kinds.includes(link.kind)) throw problem("link_not_valid", { detail: "The link is not valid." });
  // Of an upload's, the purpose says the method.
  const method = purpose === undefined ? call.request.method : "GET";
  const refusal = refusalOf(link, method, Math.floor(call.ports.clock.now() / 1000));
  if (refusal === "expired") throw problem("link_not_valid", { detail: "The link has expired." });
  if (refusal === "method") throw problem("link_not_valid", { detail: `The link does not allow ${method}.` });
  const [maker] = await Promise.all([makerOf(link, call), mayTake(call, link.accountId, "linkReads")]);
  if (!maker) throw problem("link_not_valid", { detail: "The link is not valid any more." });
  return { link, maker };
}

/** Who made a link. */
interface Maker {
  /** SHA-256 of the key; null if the deployment made it. */
  readonly digest: string | null;
}

/** Null if the key that made the link is not good any more, or, of a link that the deployment made, if its account is gone. */
async function makerOf({ accountId, keyId }: Link, { ports }: Call): Promise<Maker | null> {
  if (keyId === null) return (await findAccount(ports.db, accountId))?.removedAt === null ? { digest: null } : null;
  const key = await findKey(ports.db, accountId, keyId);
  const isLive = key !== null && key.revokedAt === null && (key.expiresAt === null || key.expiresAt > ports.clock.now());
  return isLive ? { digest: key.digest } : null;
}

async function answerTo(link: Link, call: Call): Promise<Response> {
  const { accountId, id, kind, part } = link;
  switch (kind) {
    case "stream":
      throw new Error("a link that was let through is of no kind that is followed here");
    case "file": {
      const file = await findFile(call.ports.db, accountId, id);
      if (file?.state !== "ready") throw problem("file_not_found", { detail: "The file is not there, or not any more." });
      return serveFile(call, file);
    }
    case "result": {
      const { url, origin } = call; // no spread has what is reckoned
      const asked = { ...call, url, origin, params: { id }, caller: { accountId, keyId: link.keyId ?? "" } };
      return part === undefined ? getResult(asked) : getPart(asked, (parts) => parts[part]);
    }
    default:
      return kind satisfies never;
  }
}
