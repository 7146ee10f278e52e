/**
 * Links that need no key (link-token.ts): a key that may read a file or a result makes them, and their holders follow them.
 * Every wrong link is refused with the same 403; only a true one is told that it has expired.
 */
import * as z from "zod";
import { findAccount } from "../accounts/store.ts";
import { findFile } from "../files/store.ts";
import { isUuid } from "../ids.ts";
import { LINK_METHODS, type Link, readLink, refusalOf, signLink } from "../files/link-token.ts";
import { ADMIN_BODY_BYTES, LINK_SECONDS } from "../limits.ts";
import { problem } from "../problem.ts";
import { findKey } from "../keys/store.ts";
import { mayTake } from "../http/account-limit.ts";
import { json } from "../http/answer.ts";
import { check, readJson } from "../http/body.ts";
import { lookUp } from "../http/lookup.ts";
import { serveFile } from "./files.ts";
import { notFound, partsOf, showPart, showResult } from "./inferences.ts";
import type { Call, KeyCall, BareRoute } from "../http/route.ts";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

export const linkRoutes: readonly BareRoute[] = [
  { method: "POST", path: "/v1/files/:id/link", access: "read", handle: linkToFile },
  { method: "POST", path: "/v1/inferences/:id/link", access: "read", handle: linkToResult },
  // All of them, so that one that a link does not allow is refused as a link is.
  ...METHODS.map((method): BareRoute => ({ method, path: "/v1/links/:token", access: "open", handle: follow })),
];

const wantedSchema = z.strictObject({
  expires_in_seconds: z.int().min(LINK_SECONDS.range[0]).max(LINK_SECONDS.range[1]).default(LINK_SECONDS.default),
  methods: z.array(z.enum(LINK_METHODS)).min(1).default(["GET"]),
});

const resultLinkSchema = wantedSchema.extend({ part: z.string().optional() });

async function linkToFile(call: KeyCall): Promise<Response> {
  const id = (call.params["id"] ?? "").toLowerCase();
  if (!isUuid(id) || !(await findFile(call.ports.db, call.caller.accountId, id)))
    throw problem("file_not_found", { detail: `There is no file "${id.slice(0, 64)}".` });
  return linkTo(call, { kind: "file", id }, await wantedIn(call, wantedSchema));
}

/** Also before the end: until then it is answered as the result itself is. Parts have to be there. */
async function linkToResult(call: KeyCall): Promise<Response> {
  const { part: name, ...wanted } = await wantedIn(call, resultLinkSchema);
  const inference = await lookUp(call, notFound);
  const { id } = inference;
  if (name === undefined) return linkTo(call, { kind: "result", id }, wanted);
  const part = partsOf(inference).findIndex((each) => each.name === name);
  if (part === -1) throw problem("not_found", { detail: `The result has no part "${name.slice(0, 128)}".` });
  return linkTo(call, { kind: "result", part, id }, wanted);
}

async function wantedIn<T>(call: KeyCall, schema: z.ZodType<T>): Promise<T> {
  const hasBody = call.request.body !== null && call.request.headers.get("content-length") !== "0";
  return check(schema, hasBody ? (await readJson(call.request, ADMIN_BODY_BYTES)).value : {});
}

async function linkTo(call: KeyCall, to: Pick<Link, "kind" | "part" | "id">, wanted: z.infer<typeof wantedSchema>): Promise<Response> {
  const expiresAt = Math.floor(call.ports.clock.now() / 1000) + wanted.expires_in_seconds;
  const [secret = ""] = call.config.keySecrets;
  const methods = LINK_METHODS.filter((method) => wanted.methods.includes(method));
  const { accountId, keyId } = call.caller;
  const token = await signLink({ ...to, accountId, keyId, methods, expiresAt }, secret);
  return json({ url: `${call.origin}/v1/links/${token}`, methods, expires_at: new Date(expiresAt * 1000).toISOString() }, { status: 201 });
}

async function follow(call: Call): Promise<Response> {
  const now = Math.floor(call.ports.clock.now() / 1000);
  const link = await readLink(call.params["token"] ?? "", call.config.keySecrets);
  if (!link) throw problem("link_not_valid", { detail: "The link is not valid." });
  const refusal = refusalOf(link, call.request.method, now);
  if (refusal === "expired") throw problem("link_not_valid", { detail: "The link has expired." });
  if (refusal === "method") throw problem("link_not_valid", { detail: `The link does not allow ${call.request.method}.` });
  const [isLive] = await Promise.all([isMakerLive(link, call), mayTake(call, link.accountId, "linkReads")]);
  if (!isLive) throw problem("link_not_valid", { detail: "The link is not valid any more." });
  const answer = await answerTo(link, call);
  const headers = new Headers(answer.headers);
  if (answer.status < 400) headers.set("Cache-Control", `private, max-age=${link.expiresAt - now}`);
  return new Response(answer.body, { status: answer.status, headers });
}

/** Whether the key that made the link is still good; for a link that the deployment made, whether its account is still there. */
async function isMakerLive({ accountId, keyId }: Link, { ports }: Call): Promise<boolean> {
  if (keyId === null) return (await findAccount(ports.db, accountId))?.removedAt === null;
  const key = await findKey(ports.db, accountId, keyId);
  return key !== null && key.revokedAt === null && (key.expiresAt === null || key.expiresAt > ports.clock.now());
}

async function answerTo(link: Link, call: Call): Promise<Response> {
  const { accountId, id, kind, part } = link;
  switch (kind) {
    case "file": {
      const file = await findFile(call.ports.db, accountId, id);
      if (file?.state !== "ready") throw problem("file_not_found", { detail: "The file is not there, or not any more." });
      return serveFile(call, file);
    }
    case "result": {
      const asked = { ...call, params: { id }, caller: { accountId, keyId: link.keyId ?? "" } };
      return part === undefined ? showResult(asked) : showPart(asked, (parts) => parts[part]);
    }
    default:
      return kind satisfies never;
  }
}
