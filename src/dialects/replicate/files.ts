/** Files in Replicate's form over our own: a form with the field `content`, described as `{id, name, content_type, size, …, urls}`. */
import * as z from "zod";
import { OCTETS, contentTypeSchema, find, identityOf, nameSchema, quietly, removed, serveFile } from "../../api/files.ts";
import { boundaryOf } from "../../content/multipart.ts";
import { parseTolerantly } from "../../encoding/json.ts";
import { type FormFile, fileInForm } from "../../files/form.ts";
import { receiveFile } from "../../files/receive.ts";
import { removeFile } from "../../files/remove.ts";
import { type StoredFile, describeFile, newestFiles } from "../../files/store.ts";
import { json } from "../../http/answer.ts";
import { check } from "../../http/body.ts";
import { reserve } from "../../http/body-memory.ts";
import { downloadAnswers } from "../../http/download.ts";
import { cursorOf, keyIn } from "../../http/page.ts";
import { type Input, type KeyCall, type RouteShape, route } from "../../http/route.ts";
import { time } from "../../http/time.ts";
import { UPLOAD_PART_BYTES } from "../../limits.ts";
import { problem } from "../../problem.ts";
import { isObject } from "../../tensors/tensor.ts";
import { fileUrl } from "./present.ts";
import { PAGE_ITEMS, ROOT, pageOf, pageQuery } from "./schemas.ts";

const fileSchema = z.lazy(() =>
  z.object({
    id: z.uuid().describe("The file's id."),
    name: z.string().describe("Its name; its id if it has none."),
    content_type: z.string(),
    size: z.int().describe("In bytes."),
    etag: z.string().describe("Another one for other bytes."),
    checksums: z.object({ sha256: z.string().optional().describe("In hex, if it is known.") }).describe("Of its bytes."),
    metadata: z.looseObject({}).describe("As it was sent with the file, in the answer to that; empty in any other."),
    created_at: z.iso.datetime(),
    expires_at: z.iso.datetime().describe("It is kept until then at least."),
    urls: z.object({ get: z.url().describe("Where its description is; in an input it stands for the file.") }),
  }),
);
type ShownFile = z.infer<typeof fileSchema>;

const params = z.object({ id: z.string().describe("The file's id.") });

/** In any order. */
const formSchema = z.lazy(() =>
  z.object({
    content: z.string().meta({ format: "binary" }).describe("The file."),
    filename: z.string().optional().describe("Its name; by default that of the field."),
    type: z.string().optional().describe("Its media type; by default that of the field."),
    metadata: z.string().optional().describe("A JSON object; it is checked and not kept."),
  }),
);

const CREATE = {
  summary: "Upload a file.",
  body: { raw: { "multipart/form-data": formSchema } },
  answers: { 201: { description: "The file.", json: fileSchema } },
} as const satisfies RouteShape;

const LIST = {
  summary: "List files, newest first.",
  query: pageQuery,
  answers: { 200: { description: "A page of files.", json: pageOf(fileSchema) } },
} as const satisfies RouteShape;

const GET = {
  summary: "Get the description of a file.",
  params,
  answers: { 200: { description: "The file.", json: fileSchema } },
} as const satisfies RouteShape;

const DOWNLOAD = { summary: "Get a file's bytes.", params, answers: downloadAnswers("The file's bytes.") } as const satisfies RouteShape;

const DELETE = { summary: "Delete a file.", params, answers: { 204: { description: "It is gone." } } } as const satisfies RouteShape;

export const fileRoutes = [
  route("submit", "POST", `${ROOT}/files`, CREATE, create),
  route("read", "GET", `${ROOT}/files`, LIST, list),
  route("read", "GET", `${ROOT}/files/:id`, GET, async (call) => json(shownFile(call, await find(call)))),
  route("read", "GET", `${ROOT}/files/:id/download`, DOWNLOAD, download),
  route("submit", "DELETE", `${ROOT}/files/:id`, DELETE, remove),
];

/** The form's fields beside the file, under the names that the form has. */
const fieldsSchema = z.object({
  filename: nameSchema.optional(),
  type: contentTypeSchema.optional(),
  metadata: z.string().optional(),
});

/** The file is stored while it comes; what the form says of it may come before or after it. */
async function create(call: KeyCall): Promise<Response> {
  const { ports, request } = call;
  const form = await formIn(request);
  try {
    const said = check(fieldsSchema, { filename: form.name ?? undefined, type: form.contentType || OCTETS });
    const draft = { ...identityOf(call), name: said.filename ?? "", contentType: said.type ?? OCTETS, sha256: null };
    reserve(request, UPLOAD_PART_BYTES); // it is collected part by part
    const receiving = receiveFile(ports, draft, { body: form.body, bytes: null, sha256: null, gone: request.signal, mayBeEmpty: true });
    call.after(quietly(receiving)); // what a client that left has begun is still cleared away
    const { file, metadata } = await described(call, await receiving, form);
    return json({ ...shownFile(call, file), metadata }, { status: 201, headers: { Location: fileUrl(call.origin, file.id) } });
  } catch (error) {
    if (!form.body.locked) await form.body.cancel(); // nobody reads it
    throw error;
  }
}

/** The file as the form's fields have it. Throws 422 for a field that is wrong; then nothing of it stays. */
async function described(
  { ports }: KeyCall,
  file: StoredFile,
  { fields }: FormFile,
): Promise<{ file: StoredFile; metadata: ShownFile["metadata"] }> {
  try {
    const { filename, type, metadata = "{}" } = check(fieldsSchema, Object.fromEntries(fields));
    const said = parseTolerantly(metadata);
    const value = said.ok ? said.value.value : null;
    if (!isObject(value)) throw problem("invalid_input", { faults: [{ path: ["metadata"], detail: "must be a JSON object" }] });
    const named = { name: filename ?? file.name, contentType: type ?? file.contentType };
    const isAsItWas = named.name === file.name && named.contentType === file.contentType;
    return { file: isAsItWas ? file : ((await describeFile(ports.db, file, named)) ?? file), metadata: { ...value } };
  } catch (error) {
    await removeFile(ports, file);
    throw error;
  }
}

async function formIn({ headers, body, signal }: Request): Promise<FormFile> {
  const boundary = boundaryOf(headers.get("content-type") ?? "");
  if (boundary === null || headers.has("content-encoding"))
    throw problem("unsupported_media_type", { detail: 'A file must come as multipart/form-data, in the field "content".' });
  if (!body) throw problem("bad_request", { detail: 'The request has no body; it must be a form with the field "content".' });
  return fileInForm(body, boundary, signal, "content");
}

async function list(call: KeyCall, { query }: Input<typeof LIST>): Promise<Response> {
  const before = keyIn(query.cursor ?? "", "cursor");
  const files = await newestFiles(call.ports.db, call.caller.accountId, before || "~", PAGE_ITEMS + 1);
  const page = files.slice(0, PAGE_ITEMS);
  const last = files.length > PAGE_ITEMS ? page.at(-1)?.id : undefined;
  const next = last === undefined ? null : `${call.origin}${ROOT}/files?cursor=${cursorOf(last)}`;
  return json({ next, previous: null, results: page.map((file) => shownFile(call, file)) });
}

async function download(call: KeyCall): Promise<Response> {
  const file = await find(call);
  if (file.state !== "ready") throw problem("conflict", { detail: "The file is not yet there: its upload has not been completed." });
  return serveFile(call, file);
}

async function remove(call: KeyCall): Promise<Response> {
  await removed(call);
  return new Response(null, { status: 204, headers: { "Cache-Control": "private, no-store" } });
}

function shownFile({ origin }: Pick<KeyCall, "origin">, file: StoredFile): ShownFile {
  const { id, sha256 } = file;
  return {
    id,
    name: file.name || id,
    content_type: file.contentType,
    size: file.bytes,
    etag: sha256 ?? id,
    checksums: sha256 === null ? {} : { sha256 },
    metadata: {},
    created_at: time(file.createdAt),
    expires_at: time(file.expiresAt),
    urls: { get: fileUrl(origin, id) },
  };
}
