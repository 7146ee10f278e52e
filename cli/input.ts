/** Inputs as a command line gives them: JSON in the argument, in a file, or on standard input; files that are uploaded. */
import { createHash } from "node:crypto";
import { openAsBlob, readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import type { Api, Json } from "./api.ts";
import { UsageError } from "./errors.ts";

/** Below this a file goes in one request. */
const PART_BYTES = 8 * 1024 * 1024;

/** An input by its argument: `-` is standard input, `@file` a file, anything else JSON itself. */
export function inputOf(argument: string): unknown {
  if (argument === "-") return parsed(readFileSync(0, "utf8"), "standard input");
  if (argument.startsWith("@")) return parsed(textOf(argument.slice(1)), argument.slice(1));
  return parsed(argument, "the input");
}

export function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`${path} can't be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`); // as node:fs throws
  }
}

export function parsed(text: string, where: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new UsageError(`${where} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** An input with `{file}` in its texts replaced by a reference, and `{name}` by the file's name. */
export function filledIn(template: unknown, words: Readonly<Record<string, string>>): unknown {
  if (typeof template === "string") return template.replaceAll(/\{(file|name)\}/g, (mark, name: string) => words[name] ?? mark);
  if (Array.isArray(template)) return template.map((one) => filledIn(one, words));
  if (typeof template !== "object" || template === null) return template;
  return Object.fromEntries(Object.entries(template).map(([name, value]) => [name, filledIn(value, words)]));
}

const TYPES: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp",
  avif: "image/avif",
  svg: "image/svg+xml",
  mp4: "video/mp4",
  webm: "video/webm",
  mov: "video/quicktime",
  mp3: "audio/mpeg",
  wav: "audio/wav",
  flac: "audio/flac",
  ogg: "audio/ogg",
  pdf: "application/pdf",
  json: "application/json",
  csv: "text/csv",
  txt: "text/plain",
};

const typeOf = (path: string) => TYPES[/\.([^.]+)$/.exec(path.toLowerCase())?.[1] ?? ""] ?? "application/octet-stream";

/** Uploads a file, in parts if it is large, and returns what an input refers to it by. */
export async function upload(api: Api, path: string, signal?: AbortSignal): Promise<string> {
  const { size } = statSync(path);
  const blob = await openAsBlob(path, { type: typeOf(path) });
  const options = signal ? { signal } : {};
  if (size <= PART_BYTES) {
    const body = new Uint8Array(await blob.arrayBuffer());
    const query = { name: basename(path), sha256: createHash("sha256").update(body).digest("hex"), ...(size === 0 && { empty: 1 }) };
    const file = await api.json("POST", "/v1/files", { ...options, query, body, headers: { "Content-Type": blob.type }, repeatable: true });
    return String(file["reference"]);
  }
  const begun = await api.json("POST", "/v1/uploads", { ...options, json: { bytes: size, name: basename(path), content_type: blob.type } });
  const { id, part_bytes: partBytes, parts } = begun as { id: string; part_bytes: number; parts: number }; // as POST /v1/uploads answers
  for (let number = 1; number <= parts; number++) {
    const part = new Uint8Array(await blob.slice((number - 1) * partBytes, number * partBytes).arrayBuffer());
    const digest = createHash("sha256").update(part).digest("base64");
    const headers = { "Content-Type": "application/octet-stream", "Content-Digest": `sha-256=:${digest}:` };
    await api.call("PUT", `/v1/uploads/${id}/parts/${number}`, { ...options, body: part, headers });
  }
  const file: Json = await api.json("POST", `/v1/uploads/${id}/complete`, { ...options, repeatable: true });
  return String(file["reference"]);
}
