/**
 * Files: `/v1/files`, and `/v1/uploads` for those that are sent part by part. A file is the bytes of one request, as they
 * come, or of an upload whose parts can be sent in any order, at once and again; what was cut asks which parts are there
 * and goes on with the others. An upload's id is the file's.
 */
import * as z from "zod";
import { type FormFile, fileInForm, fileNameIn } from "../files/form.ts";
import { MEDIA_TYPE, endingOf } from "../content/content.ts";
import { isUuid, newInferenceId } from "../ids.ts";
import { type StoredFile, findFile, listFiles, objectKey } from "../files/store.ts";
import { IN_PARTS, type Incoming, receiveFile } from "../files/receive.ts";
import { beginUpload, completeUpload, divisionOf, partBytesFor, receivePart, receivedParts } from "../files/uploads.ts";
import { removeFile } from "../files/remove.ts";
import { referenceTo } from "../files/references.ts";
import {
  ADMIN_BODY_BYTES,
  CONTENT_TYPE_CHARACTERS,
  FILE_HASHED_BYTES,
  FILE_NAME_CHARACTERS,
  FILE_PARTS,
  FILE_PART_BYTES,
  UPLOAD_PART_BYTES,
} from "../limits.ts";
import { problem } from "../problem.ts";
import { boundaryOf } from "../content/multipart.ts";
import { isOpenAiClient, presentOpenAiFile, wantsObject } from "./openai-files.ts";
import { json } from "../http/answer.ts";
import { check, readJson } from "../http/body.ts";
import { download } from "../http/download.ts";
import { pageOf } from "../http/page.ts";
import { reserve } from "../http/body-memory.ts";
import type { KeyCall, BareRoute } from "../http/route.ts";

export const fileRoutes: readonly BareRoute[] = [
  { method: "POST", path: "/v1/files", access: "submit", handle: uploadFile },
  { method: "GET", path: "/v1/files", access: "read", handle: showFiles },
  { method: "GET", path: "/v1/files/:id", access: "read", handle: getFile },
  { method: "GET", path: "/v1/files/:id/content", access: "read", handle: downloadFile },
  { method: "GET", path: "/v1/files/:id/info", access: "read", beside: true, handle: showFile },
  { method: "DELETE", path: "/v1/files/:id", access: "submit", handle: deleteFile },
  { method: "POST", path: "/v1/uploads", access: "submit", handle: createUpload },
  { method: "GET", path: "/v1/uploads/:id", access: "read", handle: showUpload },
  { method: "PUT", path: "/v1/uploads/:id/parts/:number", access: "submit", handle: uploadPart },
  { method: "POST", path: "/v1/uploads/:id/complete", access: "submit", handle: finishUpload },
  { method: "DELETE", path: "/v1/uploads/:id", access: "submit", handle: deleteUpload },
];

const OCTETS = "application/octet-stream";
const SHA256 = /^[0-9a-f]{64}$/;

const contentTypeSchema = z.string().max(CONTENT_TYPE_CHARACTERS).regex(MEDIA_TYPE, "must be a media type, such as video/mp4");
const nameSchema = z
  .string()
  .min(1)
  .max(FILE_NAME_CHARACTERS)
  .regex(/^[^\p{Cc}/\\]+$/u, "must be a name without slashes or control characters");
const sha256Schema = z.string().toLowerCase().regex(SHA256, "must be 64 hexadecimal digits");

const sentSchema = z.object({
  name: nameSchema.optional(),
  sha256: sha256Schema.optional(),
  content_type: contentTypeSchema,
  empty: z.enum(["0", "1"]).default("0"),
});

/** The body is the file, or a form with one file in it. */
async function uploadFile(call: KeyCall): Promise<Response> {
  const { request } = call;
  mustBeWhole(request.headers);
  const form = await formOf(request);
  try {
    const query = call.url.searchParams;
    const given = check(sentSchema, {
      name: query.get("name") ?? (form ? form.name : fileNameIn(request.headers.get("content-disposition") ?? "")) ?? undefined,
      sha256: query.get("sha256") ?? undefined,
      content_type: (form ? form.contentType : request.headers.get("content-type")) ?? OCTETS,
      empty: query.get("empty") ?? undefined,
    });
    const draft = { ...identityOf(call), name: given.name ?? "", contentType: given.content_type, sha256: null };
    const mayBeEmpty = given.empty === "1";
    const incoming: Incoming = form
      ? { body: form.body, bytes: null, sha256: given.sha256 ?? null, gone: request.signal, mayBeEmpty }
      : { ...incomingOf(call, given.sha256 ?? null), mayBeEmpty };
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
async function showFiles(call: KeyCall): Promise<Response> {
  const { after, limit } = pageOf(call.url);
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

async function showFile(call: KeyCall): Promise<Response> {
  return json(presentFile(await find(call), call));
}

/** The bytes; to those who take JSON and not the file's type, and to OpenAI's clients, the object that describes it. */
async function getFile(call: KeyCall): Promise<Response> {
  const file = await find(call);
  const answer = wantsObject(call.request, file) ? json(presented(file, call)) : await bytesOf(call, file);
  const headers = new Headers(answer.headers);
  headers.append("Vary", "Accept");
  return new Response(answer.body, { status: answer.status, headers });
}

async function downloadFile(call: KeyCall): Promise<Response> {
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

async function deleteFile(call: KeyCall): Promise<Response> {
  const file = await find(call);
  await removeFile(call.ports, file);
  if (isOpenAiClient(call.request)) return json({ id: file.id, object: "file", deleted: true });
  return new Response(null, { status: 204, headers: { "Cache-Control": "private, no-store" } });
}

// Uploads

const uploadSchema = z
  .strictObject({
    bytes: z.int().min(1),
    part_bytes: z.int().min(FILE_PART_BYTES.range[0]).max(FILE_PART_BYTES.range[1]).optional(),
    content_type: contentTypeSchema.optional(),
    name: nameSchema.optional(),
    sha256: sha256Schema.optional(),
  })
  .transform((upload) => ({ ...upload, part_bytes: upload.part_bytes ?? partBytesFor(upload.bytes) }))
  .refine(({ bytes, part_bytes }) => part_bytes <= FILE_PART_BYTES.range[1] && Math.ceil(bytes / part_bytes) <= FILE_PARTS, {
    path: ["bytes"],
    message: `must fit into ${FILE_PARTS} parts`,
  })
  .refine(({ bytes, sha256 }) => sha256 === undefined || bytes <= FILE_HASHED_BYTES, {
    path: ["sha256"],
    message: `can be checked up to ${FILE_HASHED_BYTES} bytes; send Content-Digest with each part instead`,
  });

async function createUpload(call: KeyCall): Promise<Response> {
  const body = check(uploadSchema, (await readJson(call.request, ADMIN_BODY_BYTES)).value);
  const file = await beginUpload(call.ports, {
    ...identityOf(call),
    name: body.name ?? "",
    contentType: body.content_type ?? OCTETS,
    bytes: body.bytes,
    sha256: body.sha256 ?? null,
    partBytes: body.part_bytes,
  });
  return json(presentUpload(file, [], call), { status: 201, headers: { Location: `${call.origin}/v1/uploads/${file.id}` } });
}

async function showUpload(call: KeyCall): Promise<Response> {
  const file = await findUpload(call);
  return json(presentUpload(file, await receivedParts(call.ports, file), call));
}

async function uploadPart(call: KeyCall): Promise<Response> {
  const number = Number(/^[1-9]\d{0,4}$/.exec(call.params["number"] ?? "")?.[0] ?? Number.NaN);
  if (!Number.isInteger(number)) throw problem("not_found", { detail: "Parts are numbered from 1." });
  const file = await findUpload(call);
  if (file.state === "ready") throw problem("conflict", { detail: "The upload has been completed." });
  const receiving = receivePart(call.ports, file, number, incomingOf(call, null));
  call.after(quietly(receiving));
  await receiving;
  return json({ id: file.id, object: "upload.part", number, bytes: divisionOf(file).sizeOf(number) });
}

async function finishUpload(call: KeyCall): Promise<Response> {
  const completing = completeUpload(call.ports, await findUpload(call), call.request.signal);
  call.after(quietly(completing));
  return json(presentFile(await completing, call));
}

async function deleteUpload(call: KeyCall): Promise<Response> {
  const file = await findUpload(call);
  if (file.state === "ready") throw problem("conflict", { detail: "The upload has been completed; delete the file." });
  await removeFile(call.ports, file);
  return new Response(null, { status: 204, headers: { "Cache-Control": "private, no-store" } });
}

// What they have in common

/** The file that the path names, if it is the caller's; `file_not_found` otherwise, whoever's it is. */
async function find(call: KeyCall): Promise<StoredFile> {
  const id = call.params["id"] ?? "";
  const file = isUuid(id) ? await findFile(call.ports.db, call.caller.accountId, id.toLowerCase()) : null;
  if (!file) throw problem("file_not_found", { detail: `There is no file "${id.slice(0, 64)}".` });
  return file;
}

/** As `find`, of those that a client sends, or has sent, part by part. */
async function findUpload(call: KeyCall): Promise<StoredFile> {
  const file = await find(call);
  if (file.state === "uploading" && file.partBytes === null) {
    throw problem("file_not_found", { detail: `There is no upload "${file.id}".` });
  }
  return file;
}

function identityOf({ caller, ports, origin }: KeyCall) {
  return { accountId: caller.accountId, id: newInferenceId(ports.clock.now(), ports.randomBytes), origin };
}

/** A request's body as its headers tell of it. `sha256` is what the client says elsewhere. Throws 400 and 415. */
function incomingOf({ request }: KeyCall, sha256: string | null): Incoming {
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
async function quietly(work: Promise<unknown>): Promise<void> {
  await work.catch(() => {});
}

const time = (ms: number) => new Date(ms).toISOString();

/** In the form of its client. */
function presented(file: StoredFile, call: KeyCall) {
  return isOpenAiClient(call.request) ? presentOpenAiFile(file) : presentFile(file, call);
}

function presentFile(file: StoredFile, { origin }: Pick<KeyCall, "origin">): Record<string, unknown> {
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

function presentUpload(file: StoredFile, received: readonly number[], { origin }: Pick<KeyCall, "origin">): Record<string, unknown> {
  const self = `${origin}/v1/uploads/${file.id}`;
  return {
    id: file.id,
    object: "upload",
    status: file.state,
    bytes: file.bytes,
    part_bytes: file.partBytes,
    parts: divisionOf(file).parts,
    received,
    created_at: time(file.createdAt),
    expires_at: time(file.expiresAt),
    urls: { self, part: `${self}/parts/{number}`, complete: `${self}/complete`, file: `${origin}/v1/files/${file.id}` },
  };
}
