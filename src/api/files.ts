/**
 * Files: `/v1/files`, and `/v1/uploads` for those that are sent part by part. A file is the bytes of one request, as they
 * come, or of an upload whose parts can be sent in any order, at once and again; what was cut asks which parts are there
 * and goes on with the others. An upload's id is the file's.
 */
import * as z from "zod";
import { MEDIA_TYPE, endingOf } from "../content/content.ts";
import { isUuid, newInferenceId } from "../ids.ts";
import { type StoredFile, findFile, listFiles, objectKey } from "../files/store.ts";
import {
  IN_PARTS,
  type Incoming,
  beginUpload,
  completeUpload,
  divisionOf,
  partBytesFor,
  receiveFile,
  receivePart,
  receivedParts,
} from "../files/receive.ts";
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
import { json } from "../http/answer.ts";
import { check, readJson } from "../http/body.ts";
import { download } from "../http/download.ts";
import { pageOf } from "../http/page.ts";
import { reserve } from "../http/body-memory.ts";
import type { KeyCall, BareRoute } from "../http/route.ts";

export const fileRoutes: readonly BareRoute[] = [
  { method: "POST", path: "/v1/files", access: "submit", handle: uploadFile },
  { method: "GET", path: "/v1/files", access: "read", handle: showFiles },
  { method: "GET", path: "/v1/files/:id", access: "read", handle: downloadFile },
  { method: "GET", path: "/v1/files/:id/info", access: "read", handle: showFile },
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

async function uploadFile(call: KeyCall): Promise<Response> {
  const { request } = call;
  const given = check(z.object({ name: nameSchema.optional(), sha256: sha256Schema.optional(), content_type: contentTypeSchema }), {
    name: call.url.searchParams.get("name") ?? nameIn(request.headers) ?? undefined,
    sha256: call.url.searchParams.get("sha256") ?? undefined,
    content_type: request.headers.get("content-type") ?? OCTETS,
  });
  if (/^multipart\//i.test(given.content_type)) {
    throw problem("unsupported_media_type", { detail: "The body must be the file itself, under its own content type, not a form." });
  }
  const draft = {
    ...identityOf(call),
    name: given.name ?? "",
    contentType: given.content_type,
    sha256: null,
  };
  const incoming = incomingOf(call, given.sha256 ?? null);
  if (incoming.bytes === null) reserve(request, UPLOAD_PART_BYTES); // it is collected part by part
  const receiving = receiveFile(call.ports, draft, incoming);
  call.after(quietly(receiving)); // what a client that left has begun is still cleared away
  const file = await receiving;
  return json(presentFile(file, call), { status: 201, headers: { Location: `${call.origin}/v1/files/${file.id}` } });
}

async function showFiles(call: KeyCall): Promise<Response> {
  const { after, limit } = pageOf(call.url);
  const files = await listFiles(call.ports.db, call.caller.accountId, after, limit + 1);
  const shown = files.slice(0, limit);
  return json({
    data: shown.map((file) => presentFile(file, call)),
    next_after: files.length > limit ? (shown.at(-1)?.id ?? null) : null,
  });
}

async function showFile(call: KeyCall): Promise<Response> {
  return json(presentFile(await find(call), call));
}

async function downloadFile(call: KeyCall): Promise<Response> {
  const file = await find(call);
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
  await removeFile(call.ports, await find(call));
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
  if (headers.has("content-encoding")) {
    throw problem("unsupported_media_type", { detail: "A file is stored as it comes: send it without Content-Encoding." });
  }
  const length = headers.get("content-length");
  const said = [sha256, digestIn(headers, "repr-digest"), digestIn(headers, "content-digest")].filter((digest) => digest !== null);
  if (new Set(said).size > 1) throw problem("bad_request", { detail: "The request says more than one SHA-256 of its body." });
  const bytes = length === null ? (body ? null : 0) : Number(length);
  if (bytes !== null && !Number.isSafeInteger(bytes)) throw problem("body_too_large", { detail: `The file is too large; ${IN_PARTS}` });
  return { body, bytes, sha256: said[0] ?? null, gone: signal };
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

/** The name in `Content-Disposition` (RFC 6266), the extended one before the plain one; null where there is none. */
function nameIn(headers: Headers): string | null {
  const field = headers.get("content-disposition") ?? "";
  const extended = /;\s*filename\*\s*=\s*UTF-8''([^;\s]+)/i.exec(field)?.[1];
  if (extended !== undefined) {
    try {
      return decodeURIComponent(extended);
    } catch {
      return null;
    }
  }
  const quoted = /;\s*filename\s*=\s*"((?:[^"\\]|\\.)*)"/i.exec(field)?.[1];
  return quoted?.replaceAll(/\\(.)/g, "$1") ?? /;\s*filename\s*=\s*([^\s";]+)/i.exec(field)?.[1] ?? null;
}

/** Keeps work going if its request is gone. Its failure is the answer's, if there is still a client to read it. */
async function quietly(work: Promise<unknown>): Promise<void> {
  await work.catch(() => {});
}

const time = (ms: number) => new Date(ms).toISOString();

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
