/**
 * Files as OpenAI's clients see them. Their `/v1/files` is ours too, so their requests are told apart by the headers that
 * their libraries send, and answered with their file object. What they do not ask for stays ours.
 */
import * as z from "zod";
import { unambiguousType } from "../http/download.ts";
import type { StoredFile } from "../files/store.ts";

/** Sent by the libraries that OpenAI publishes, in every language. */
const CLIENT_HEADERS = ["x-stainless-lang", "openai-beta", "openai-organization", "openai-project"];

export function isOpenAiClient({ headers }: Request): boolean {
  return CLIENT_HEADERS.some((name) => headers.has(name)) || /^(?:Async)?OpenAI\//.test(headers.get("user-agent") ?? "");
}

/** Whether a GET of a file is about the object that describes it: OpenAI's clients, and whoever accepts JSON and not the file's type. */
export function wantsObject(request: Request, file: StoredFile): boolean {
  if (isOpenAiClient(request)) return true;
  const accepted = (request.headers.get("accept") ?? "*/*").split(",").map((range) => range.split(";")[0]?.trim().toLowerCase());
  const type = unambiguousType(file.contentType) ?? "";
  const takesFile = accepted.some((range) => range === "*/*" || range === type || range === `${type.split("/")[0]}/*`);
  return !takesFile && accepted.includes("application/json");
}

export const openAiFileSchema = z.lazy(() =>
  z.object({
    id: z.string(),
    object: z.literal("file"),
    bytes: z.int(),
    created_at: z.int(),
    expires_at: z.int(),
    filename: z.string(),
    purpose: z.enum(["user_data", "batch", "batch_output"]),
    status: z.enum(["processed", "uploaded"]),
  }),
);

/** OpenAI's file object. They have no name for a file without one, and of their purposes only those of batches mean something here. */
export function presentOpenAiFile({ id, bytes, name, state, createdAt, expiresAt, purpose }: StoredFile): z.infer<typeof openAiFileSchema> {
  return {
    id,
    object: "file",
    bytes,
    created_at: Math.floor(createdAt / 1000),
    expires_at: Math.floor(expiresAt / 1000),
    filename: name || id,
    purpose: purpose || "user_data",
    status: state === "ready" ? "processed" : "uploaded",
  };
}
