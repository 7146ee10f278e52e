/**
 * Files that are sent part by part: `/v1/uploads`. Parts can be sent in any order, at once and again; a client that was cut
 * asks which parts are there and goes on with the others. An upload's id is the file's.
 */
import * as z from "zod";
import type { StoredFile } from "../files/store.ts";
import { removeFile } from "../files/remove.ts";
import { beginUpload, completeUpload, completed, divisionOf, partBytesFor, receivePart, receivedParts } from "../files/uploads.ts";
import { json } from "../http/answer.ts";
import { wholeIn } from "../http/range.ts";
import { type Input, type KeyCall, type RouteShape, route } from "../http/route.ts";
import { time, timeSchema } from "../http/time.ts";
import { ADMIN_BODY_BYTES, FILE_HASHED_BYTES, FILE_PARTS, FILE_PART_BYTES } from "../limits.ts";
import { problem } from "../problem.ts";
import {
  OCTETS,
  contentTypeSchema,
  fileSchema,
  find,
  identityOf,
  incomingOf,
  nameSchema,
  presentFile,
  quietly,
  sha256Schema,
} from "./files.ts";

const newUploadSchema = z.lazy(() =>
  z
    .strictObject({
      bytes: z
        .int()
        .min(1)
        .meta({ description: "Of the whole file.", maximum: FILE_PARTS * FILE_PART_BYTES.range[1] }),
      part_bytes: wholeIn(FILE_PART_BYTES.range).optional(),
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
    }),
);

const uploadSchema = z.lazy(() =>
  z.object({
    id: z.uuid(),
    object: z.literal("upload"),
    status: z.enum(["uploading", "ready"]),
    bytes: z.int(),
    part_bytes: z.int().nullable().describe("Of each part but the last."),
    parts: z.int().describe("How many there are to be."),
    received: z.array(z.int()).describe("The numbers of those that are there."),
    created_at: timeSchema,
    expires_at: timeSchema,
    urls: z.object({ self: z.string(), part: z.string(), complete: z.string(), file: z.string() }),
  }),
);
z.globalRegistry.add(uploadSchema, { id: "Upload" });

const partSchema = z.object({ id: z.string(), object: z.literal("upload.part"), number: z.int(), bytes: z.int() });

const params = z.object({ id: z.string().describe("The upload's id.") });

const CREATE = {
  summary: "Begin an upload in parts.",
  body: { json: newUploadSchema, limitBytes: ADMIN_BODY_BYTES },
  answers: { 201: { description: "The upload.", json: uploadSchema } },
} as const satisfies RouteShape;

export const uploadRoutes = [
  route("submit", "POST", "/v1/uploads", CREATE, create),
  route(
    "read",
    "GET",
    "/v1/uploads/:id",
    {
      summary: "Get an upload, with the parts that were received.",
      params,
      answers: { 200: { description: "The upload.", json: uploadSchema } },
    },
    get,
  ),
  route(
    "submit",
    "PUT",
    "/v1/uploads/:id/parts/:number",
    {
      summary: "Send or replace a part of an upload.",
      params: params.extend({ number: z.string().describe("The part's number, from 1.") }),
      body: { raw: { "*/*": "The part's bytes." } },
      answers: { 200: { description: "The part.", json: partSchema } },
    },
    receive,
  ),
  route(
    "submit",
    "POST",
    "/v1/uploads/:id/complete",
    {
      summary: "Complete an upload and make its file.",
      params,
      answers: { 200: { description: "The file.", json: fileSchema } },
    },
    complete,
  ),
  route(
    "submit",
    "DELETE",
    "/v1/uploads/:id",
    { summary: "Abort an upload.", params, answers: { 204: { description: "It is gone, with its parts." } } },
    remove,
  ),
];

async function create(call: KeyCall, { body }: Input<typeof CREATE>): Promise<Response> {
  const beginning = beginUpload(call.ports, {
    ...identityOf(call),
    name: body.name ?? "",
    contentType: body.content_type ?? OCTETS,
    bytes: body.bytes,
    sha256: body.sha256 ?? null,
    partBytes: body.part_bytes,
  });
  call.after(quietly(beginning));
  const file = await beginning;
  return json(present(file, [], call), { status: 201, headers: { Location: `${call.origin}/v1/uploads/${file.id}` } });
}

async function get(call: KeyCall): Promise<Response> {
  const file = await findPartial(call);
  return json(present(file, await receivedParts(call.ports, file), call));
}

async function receive(call: KeyCall): Promise<Response> {
  const number = Number(/^[1-9]\d{0,4}$/.exec(call.params["number"] ?? "")?.[0] ?? Number.NaN);
  if (!Number.isInteger(number)) throw problem("not_found", { detail: "Parts are numbered from 1." });
  const file = await findPartial(call);
  if (file.state === "ready") throw completed();
  const receiving = receivePart(call.ports, file, number, incomingOf(call, null));
  call.after(quietly(receiving));
  await receiving;
  const part = { id: file.id, object: "upload.part" as const, number, bytes: divisionOf(file).sizeOf(number) };
  return json(part satisfies z.infer<typeof partSchema>);
}

async function complete(call: KeyCall): Promise<Response> {
  const completing = completeUpload(call.ports, await findPartial(call), call.request.signal);
  call.after(quietly(completing));
  return json(presentFile(await completing, call));
}

async function remove(call: KeyCall): Promise<Response> {
  const file = await findPartial(call);
  if (file.state === "ready") throw problem("conflict", { detail: "The upload has been completed; delete the file." });
  await removeFile(call.ports, file);
  return new Response(null, { status: 204, headers: { "Cache-Control": "private, no-store" } });
}

/** As `find`, of those that a client sends, or has sent, part by part. */
async function findPartial(call: KeyCall): Promise<StoredFile> {
  const file = await find(call);
  if (file.state === "uploading" && file.partBytes === null) {
    throw problem("file_not_found", { detail: `There is no upload "${file.id}".` });
  }
  return file;
}

function present(file: StoredFile, received: readonly number[], { origin }: Pick<KeyCall, "origin">): z.infer<typeof uploadSchema> {
  const self = `${origin}/v1/uploads/${file.id}`;
  return {
    id: file.id,
    object: "upload",
    status: file.state,
    bytes: file.bytes,
    part_bytes: file.partBytes,
    parts: divisionOf(file).parts,
    received: [...received],
    created_at: time(file.createdAt),
    expires_at: time(file.expiresAt),
    urls: { self, part: `${self}/parts/{number}`, complete: `${self}/complete`, file: `${origin}/v1/files/${file.id}` },
  };
}
