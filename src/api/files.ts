/**
 * Files: `/v1/files`. A file is the bytes of one request, as they come, or of an upload in parts (uploads.ts).
 */
import * as z from "zod";
import { type FormFile, fileInForm } from "../files/form.ts";
import { MEDIA_TYPE, endingOf } from "../content/content.ts";
import { isUuid, newInferenceId } from "../ids.ts";
import { type StoredFile, findFile, listFiles, mayRemove, objectKey } from "../files/store.ts";
import { IN_PARTS, type Incoming, receiveFile } from "../files/receive.ts";
import { removeFile } from "../files/remove.ts";
import { referenceTo } from "../files/references.ts";
import { CONTENT_TYPE_CHARACTERS, FILE_NAME_CHARACTERS, UPLOAD_PART_BYTES } from "../limits.ts";
import { problem } from "../problem.ts";
import { boundaryOf } from "../content/multipart.ts";
import { fileNameIn } from "../content/part-head.ts";
import { isOpenAiClient, openAiFileSchema, presentOpenAiFile, wantsObject } from "./openai-files.ts";
import { json } from "../http/answer.ts";
import { check } from "../http/body.ts";
import { storedOrigin } from "../http/vetted.ts";
import { download, downloadAnswers } from "../http/download.ts";
import { badCursor, pageQuery } from "../http/page.ts";
import { reserve } from "../http/body-memory.ts";
import { type Input, type KeyCall, type RouteShape, route } from "../http/route.ts";
import { CONTROLS } from "../http/text.ts";
import { time, timeSchema } from "../http/time.ts";

export const OCTETS = "application/octet-stream";
const SHA256 = /^[0-9a-f]{64}$/;
const NAME_RULE = 'must be a name of whole characters, without slashes or control characters, and not "." or ".."';

export const contentTypeSchema = z.string().max(CONTENT_TYPE_CHARACTERS).regex(MEDIA_TYPE, "must be a media type, such as video/mp4");
export const nameSchema = z
  .string()
  .min(1)
  .max(FILE_NAME_CHARACTERS)
  .regex(new RegExp(String.raw`^[^${CONTROLS}/\\]+$`), NAME_RULE)
  .refine((name) => name.isWellFormed() && name !== "." && name !== "..", NAME_RULE);
export const sha256Schema = z.string().toLowerCase().regex(SHA256, "must be 64 hexadecimal digits");

export const fileSchema = z.lazy(() =>
  z.object({
    id: z.uuid(),
    object: z.literal("file"),
    status: z.enum(["uploading", "ready"]),
    name: z.string().nullable(),
    content_type: z.string(),
    bytes: z.int(),
    sha256: z.string().nullable().describe("In hex; null if it is not known."),
    reference: z.string().describe("How an input refers to it."),
    created_at: timeSchema,
    expires_at: timeSchema,
    urls: z.object({ self: z.string(), info: z.string(), link: z.string() }),
  }),
);
z.globalRegistry.add(fileSchema, { id: "File" });

/** In OpenAI's form for its clients. */
const eitherSchema = z.union([fileSchema, openAiFileSchema]);

const querySchema = z.lazy(() =>
  z.strictObject({
    name: nameSchema.optional().describe("Its name; also by `Content-Disposition`."),
    sha256: sha256Schema.optional().describe("Its SHA-256 in hex, which is checked; also by `Content-Digest`."),
    empty: z.enum(["0", "1"]).default("0").describe("`1`: it is meant to have no bytes."),
  }),
);

const sentSchema = z.object({ name: nameSchema.optional(), content_type: contentTypeSchema });

const params = z.object({ id: z.string().describe("The file's id.") });
const BYTES = downloadAnswers("The file's bytes.");

const UPLOAD = {
  summary: "Upload a file.",
  query: querySchema,
  body: { raw: { "*/*": "The file itself, under its own content type.", "multipart/form-data": "A form with one file." } },
  answers: { 201: { description: "The file.", json: eitherSchema } },
} as const satisfies RouteShape;

const LIST = {
  summary: "List files, oldest first.",
  query: pageQuery().extend({
    order: z.literal("asc").optional().describe("The order that there is."),
    purpose: z.string().optional().describe("Sent by OpenAI's clients; means nothing here."),
  }),
  answers: {
    200: {
      description: "A page of files.",
      json: z.lazy(() =>
        z.object({
          object: z.literal("list"),
          data: z.array(eitherSchema),
          first_id: z.string().nullable(),
          last_id: z.string().nullable(),
          has_more: z.boolean(),
          next_after: z.string().nullable().describe("The `after` of the next page; null on the last one."),
        }),
      ),
    },
  },
} as const satisfies RouteShape;

export const fileRoutes = [
  route("submit", "POST", "/v1/files", UPLOAD, upload),
  route("read", "GET", "/v1/files", LIST, list),
  route(
    "read",
    "GET",
    "/v1/files/:id",
    { summary: "Get a file: its bytes, or its description if the client accepts only JSON.", params, answers: BYTES },
    get,
  ),
  route("read", "GET", "/v1/files/:id/content", { summary: "Get a file's bytes.", params, answers: BYTES }, getContent),
  route(
    "read",
    "GET",
    "/v1/files/:id/info",
    { summary: "Get a file's description.", beside: true, params, answers: { 200: { description: "The file.", json: fileSchema } } },
    getInfo,
  ),
  route(
    "submit",
    "DELETE",
    "/v1/files/:id",
    {
      summary: "Delete a file.",
      params,
      answers: {
        200: {
          description: "It is gone; for OpenAI's clients.",
          json: z.lazy(() => z.object({ id: z.string(), object: z.literal("file"), deleted: z.literal(true) })),
        },
        204: { description: "It is gone." },
      },
    },
    remove,
  ),
];

/** The body is the file, or a form with one file in it. */
async function upload(call: KeyCall, { query }: Input<typeof UPLOAD>): Promise<Response> {
  const { request } = call;
  mustBeWhole(request.headers);
  const form = await formOf(request);
  try {
    const given = check(sentSchema, {
      name: query.name ?? (form ? form.name : fileNameIn(request.headers.get("content-disposition") ?? "")) ?? undefined,
      content_type: (form ? form.contentType : request.headers.get("content-type")) ?? OCTETS,
    });
    const draft = { ...identityOf(call), name: given.name ?? "", contentType: given.content_type, sha256: null };
    const mayBeEmpty = query.empty === "1";
    const incoming: Incoming = form
      ? { body: form.body, bytes: null, sha256: query.sha256 ?? null, gone: request.signal, mayBeEmpty, purpose: () => purposeOf(form) }
      : { ...incomingOf(call, query.sha256 ?? null), mayBeEmpty };
    if (incoming.bytes === null) reserve(request, UPLOAD_PART_BYTES); // it is collected part by part
    const receiving = receiveFile(call.ports, draft, incoming);
    call.after(quietly(receiving)); // what a client that left has begun is still cleared away
    const file = await receiving;
    return json(presented(file, call), { status: 201, headers: { Location: `${call.origin}/v1/files/${file.id}` } });
  } catch (error) {
    if (form && !form.body.locked) await form.body.cancel(); // nobody reads it
    throw error;
  }
}

const purposeOf = ({ fields }: FormFile) => (fields.get("purpose") === "batch" ? "batch" : "");

/** Headers of protocols that send a file in several requests to one address; each of those would become a file of its own. */
const RESUMABLE = ["tus-resumable", "upload-length", "upload-offset", "upload-complete", "x-goog-upload-protocol", "content-range"];

function mustBeWhole(headers: Headers): void {
  const found = RESUMABLE.find((name) => headers.has(name));
  if (found === undefined) return;
  throw problem("bad_request", {
    detail: `The header ${found} belongs to a protocol that this API does not speak; to resume uploads, ${IN_PARTS}`,
  });
}

/** The file in a form; null if the body is none. Throws 400 and 415. */
async function formOf({ headers, body, signal }: Request): Promise<FormFile | null> {
  const type = headers.get("content-type") ?? "";
  if (!/^\s*multipart\//i.test(type)) return null;
  const boundary = /^\s*multipart\/form-data\s*;/i.test(type) ? boundaryOf(type) : null;
  if (boundary === null) {
    throw problem("unsupported_media_type", {
      detail: "A multipart body must be multipart/form-data with a boundary; or send the file itself.",
    });
  }
  if (headers.has("content-encoding")) throw encoded();
  if (headers.has("repr-digest") || headers.has("content-digest")) {
    throw problem("bad_request", {
      detail: "A digest of the whole form says nothing about its file; give the file's SHA-256 as ?sha256=.",
    });
  }
  if (!body) throw problem("bad_request", { detail: "The request has no body; it must be a form with one file." });
  return fileInForm(body, boundary, signal);
}

/** Oldest first. Cursors are ids, as OpenAI's clients have it. */
async function list(call: KeyCall, { query }: Input<typeof LIST>): Promise<Response> {
  const { limit } = query;
  const after = query.after.toLowerCase();
  if (after !== "" && !isUuid(after)) throw badCursor();
  const files = await listFiles(call.ports.db, call.caller.accountId, after, limit + 1);
  const shown = files.slice(0, limit);
  const hasMore = files.length > limit;
  const [first, last] = [shown[0]?.id ?? null, shown.at(-1)?.id ?? null];
  return json({
    object: "list",
    data: shown.map((file) => presented(file, call)),
    first_id: first,
    last_id: last,
    has_more: hasMore,
    next_after: hasMore ? last : null,
  });
}

async function getInfo(call: KeyCall): Promise<Response> {
  return json(presentFile(await find(call), call));
}

/** The bytes; to those who take JSON and not the file's type, and to OpenAI's clients, the object that describes it. */
async function get(call: KeyCall): Promise<Response> {
  const file = await find(call);
  const answer = wantsObject(call.request, file) ? json(presented(file, call)) : await bytesOf(call, file);
  const headers = new Headers(answer.headers);
  headers.append("Vary", "Accept");
  return new Response(answer.body, { status: answer.status, headers });
}

async function getContent(call: KeyCall): Promise<Response> {
  return bytesOf(call, await find(call));
}

async function bytesOf(call: KeyCall, file: StoredFile): Promise<Response> {
  if (file.state !== "ready") throw problem("conflict", { detail: "The file is not yet there: its upload has not been completed." });
  return serveFile(call, file);
}

/** The bytes of a file that is ready. */
export function serveFile({ request, ports }: Pick<KeyCall, "request" | "ports">, file: StoredFile): Promise<Response> {
  return download(request, {
    contentType: file.contentType,
    bytes: file.bytes,
    etag: `"${file.sha256 ?? file.id}"`,
    cacheControl: "private, max-age=31536000, immutable",
    sha256: file.sha256,
    fileName: file.name || `${file.id}.${endingOf(file.contentType)}`,
    async open(range) {
      if (file.bytes === 0) return "";
      const object = await ports.payloads.get(objectKey(file), range ? { range } : undefined);
      return object?.body ?? null;
    },
  });
}

async function remove(call: KeyCall): Promise<Response> {
  const file = await removed(call);
  if (isOpenAiClient(call.request)) return json({ id: file.id, object: "file", deleted: true });
  return new Response(null, { status: 204, headers: { "Cache-Control": "private, no-store" } });
}

/** The file that the path names, if it is the caller's; `file_not_found` otherwise, whoever's it is. */
export async function find(call: KeyCall): Promise<StoredFile> {
  const id = call.params["id"] ?? "";
  const file = isUuid(id) ? await findFile(call.ports.db, call.caller.accountId, id.toLowerCase()) : null;
  if (!file) throw problem("file_not_found", { detail: `There is no file "${id.slice(0, 64)}".` });
  return file;
}

export function identityOf(call: KeyCall) {
  const { caller, ports } = call;
  return { accountId: caller.accountId, id: newInferenceId(ports.clock.now(), ports.randomBytes), origin: storedOrigin(call) };
}

/** Removes the file in the path. Throws 409 for one that a batch still reads. */
export async function removed(call: KeyCall): Promise<StoredFile> {
  const file = await find(call);
  if (!(await mayRemove(call.ports.db, file))) {
    throw problem("conflict", {
      detail: "The file is the input of a batch that is under way. Cancel the batch, or wait for its end.",
      headers: { "x-should-retry": "false" },
    });
  }
  await removeFile(call.ports, file);
  return file;
}

/** A request's body as its headers tell of it. `sha256` is what the client says elsewhere. Throws 400 and 415. */
export function incomingOf({ request }: Pick<KeyCall, "request">, sha256: string | null): Incoming {
  const { headers, body, signal } = request;
  if (headers.has("content-encoding")) throw encoded();
  const length = headers.get("content-length");
  const said = [sha256, digestIn(headers, "repr-digest"), digestIn(headers, "content-digest")].filter((digest) => digest !== null);
  if (new Set(said).size > 1) throw problem("bad_request", { detail: "The request says more than one SHA-256 of its body." });
  const bytes = length === null ? (body ? null : 0) : Number(length);
  if (bytes !== null && !Number.isSafeInteger(bytes)) throw problem("body_too_large", { detail: `The file is too large; ${IN_PARTS}` });
  return { body, bytes, sha256: said[0] ?? null, gone: signal };
}

function encoded() {
  return problem("unsupported_media_type", { detail: "A file is stored as it comes: send it without Content-Encoding." });
}

/** The SHA-256 in a field of RFC 9530, in hex; null where there is none. Other algorithms may be ignored. Throws 400. */
function digestIn(headers: Headers, name: "repr-digest" | "content-digest"): string | null {
  const field = headers.get(name);
  const member = field === null ? null : /(?:^|,)\s*sha-256=([^,]*)/.exec(field)?.[1]?.trim();
  if (member === null || member === undefined) return null;
  const base64 = /^:([A-Za-z0-9+/]{43}=):$/.exec(member)?.[1];
  if (base64 === undefined) throw problem("bad_request", { detail: `The sha-256 of ${name} must be 32 bytes in base64 between colons.` });
  return Array.from(atob(base64), (character) => character.charCodeAt(0).toString(16).padStart(2, "0")).join("");
}

/** Keeps work going if its request is gone. Its failure is the answer's, if there is still a client to read it. */
export async function quietly(work: Promise<unknown>): Promise<void> {
  await work.catch(() => {});
}

/** In the form of its client. */
function presented(file: StoredFile, call: KeyCall): z.infer<typeof eitherSchema> {
  return isOpenAiClient(call.request) ? presentOpenAiFile(file) : presentFile(file, call);
}

export function presentFile(file: StoredFile, { origin }: Pick<KeyCall, "origin">): z.infer<typeof fileSchema> {
  const self = `${origin}/v1/files/${file.id}`;
  return {
    id: file.id,
    object: "file",
    status: file.state,
    name: file.name || null,
    content_type: file.contentType,
    bytes: file.bytes,
    sha256: file.sha256,
    reference: referenceTo(file.id),
    created_at: time(file.createdAt),
    expires_at: time(file.expiresAt),
    urls: { self, info: `${self}/info`, link: `${self}/link` },
  };
}
