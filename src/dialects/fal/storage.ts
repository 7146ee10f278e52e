/**
 * fal's storage over our files: a client asks where to send a file, sends it there without a key, and gives its address as an input. Both
 * addresses are links: the first is good for an hour and one file, the second for as long as links may be. A file is kept like all others.
 */
import * as z from "zod";
import { OCTETS, contentTypeSchema, identityOf, incomingOf, nameSchema, quietly } from "../../api/files.ts";
import { liveLink } from "../../api/links.ts";
import { type Link, UPLOADS, signLink } from "../../files/link-token.ts";
import { receiveFile } from "../../files/receive.ts";
import { findFile } from "../../files/store.ts";
import { json } from "../../http/answer.ts";
import { check } from "../../http/body.ts";
import { reserve } from "../../http/body-memory.ts";
import { type Call, type Input, type KeyCall, type RouteShape, route } from "../../http/route.ts";
import { storedOrigin } from "../../http/vetted.ts";
import { ADMIN_BODY_BYTES, LINK_SECONDS, UPLOAD_PART_BYTES } from "../../limits.ts";
import { lifecycleIn } from "./request.ts";

const FILES = "/fal/rest/storage/files";

const INITIATE = {
  summary: "Ask where to send a file.",
  body: {
    json: z.lazy(() =>
      z.looseObject({
        content_type: contentTypeSchema.nullish().describe("Its media type; what the upload itself says counts."),
        file_name: nameSchema.nullish().describe("Its name."),
      }),
    ),
    limitBytes: ADMIN_BODY_BYTES,
  },
  answers: {
    200: {
      description: "Where to send it, and where it is then.",
      json: z.lazy(() =>
        z.object({
          upload_url: z.string().describe("Where to PUT its bytes, without a key, within an hour."),
          file_url: z.string().describe("Where it is from then on; needs no key."),
        }),
      ),
    },
  },
} as const satisfies RouteShape;

const UPLOAD = {
  summary: "Send a file.",
  params: z.object({ token: z.string().describe("What the address was made with.") }),
  query: z.looseObject({ name: nameSchema.optional().describe("Its name.") }),
  body: { raw: { "*/*": "The file itself, under its own content type." } },
  answers: { 200: { description: "It is stored.", json: z.lazy(() => z.object({})) } },
} as const satisfies RouteShape;

export const storageRoutes = [
  route("submit", "POST", "/fal/rest/storage/upload/initiate", INITIATE, initiate),
  route("open", "PUT", `${FILES}/:token`, UPLOAD, receive),
];

/** The clients for JavaScript and for Python don't agree on the header. */
const LIFECYCLES = ["x-fal-object-lifecycle", "x-fal-object-lifecycle-preference"];

async function initiate(call: KeyCall, { body }: Input<typeof INITIATE>): Promise<Response> {
  const { id } = identityOf(call); // throws if no link to it could be made
  const { accountId, keyId } = call.caller;
  const [secret = ""] = call.config.keySecrets;
  const now = Math.floor(call.ports.clock.now() / 1000);
  const [least, most] = LINK_SECONDS.range;
  const asked = LIFECYCLES.map((header) => lifecycleIn(call.request.headers, header)).find((seconds) => seconds !== null) ?? most;
  const link: Omit<Link, "expiresAt"> = { kind: "file", accountId, keyId, id, methods: ["GET"] };
  const upload = await signLink({ ...link, expiresAt: now + LINK_SECONDS.default }, secret, UPLOADS);
  const file = await signLink({ ...link, expiresAt: now + Math.min(most, Math.max(least, asked)) }, secret);
  const name = body.file_name ? `?name=${encodeURIComponent(body.file_name)}` : "";
  return json({ upload_url: `${call.origin}${FILES}/${upload}${name}`, file_url: `${call.origin}/v1/links/${file}` });
}

/** A file that is there already is there: its client has not heard of it, and sends it again. */
async function receive(call: Call, { query }: Input<typeof UPLOAD>): Promise<Response> {
  const { accountId, id } = await liveLink(call, UPLOADS);
  const { request, ports } = call;
  const known = await findFile(ports.db, accountId, id);
  if (known?.state === "ready") return json({});
  const contentType = check(contentTypeSchema, request.headers.get("content-type") ?? OCTETS);
  const incoming = incomingOf(call, null);
  if (incoming.bytes === null) reserve(request, UPLOAD_PART_BYTES); // it is collected part by part
  const draft = { accountId, id, origin: storedOrigin(call), name: query.name ?? "", contentType, sha256: null };
  const receiving = receiveFile(ports, draft, { ...incoming, mayBeEmpty: true, isIdShared: true });
  call.after(quietly(receiving));
  await receiving;
  return json({});
}
