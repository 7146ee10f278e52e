/** Inputs as a command line gives them: JSON in the argument, in a file, or on standard input; files that are uploaded. */
import { openAsBlob, readFileSync } from "node:fs";
import { basename } from "node:path";
import type { Api } from "./api.ts";
import { UsageError, fileFaultOf } from "./errors.ts";

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
    throw new UsageError(`${path} can't be read: ${fileFaultOf(error)}`);
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

const TYPES: ReadonlyMap<string, string> = new Map([
  ["png", "image/png"],
  ["jpg", "image/jpeg"],
  ["jpeg", "image/jpeg"],
  ["gif", "image/gif"],
  ["webp", "image/webp"],
  ["avif", "image/avif"],
  ["svg", "image/svg+xml"],
  ["mp4", "video/mp4"],
  ["webm", "video/webm"],
  ["mov", "video/quicktime"],
  ["mp3", "audio/mpeg"],
  ["wav", "audio/wav"],
  ["flac", "audio/flac"],
  ["ogg", "audio/ogg"],
  ["pdf", "application/pdf"],
  ["json", "application/json"],
  ["csv", "text/csv"],
  ["txt", "text/plain"],
]);

const typeOf = (path: string) => TYPES.get(/\.([^.]+)$/.exec(path.toLowerCase())?.[1] ?? "") ?? "application/octet-stream";

/**
 * Uploads a file, in parts if it is large, and returns what an input refers to it by. `begun` is the id of an upload of it that was cut;
 * `onStart` is called with the id of one in parts.
 */
export async function upload({ client, signal }: Api, path: string, begun?: string, onStart?: (id: string) => void): Promise<string> {
  const blob = await openAsBlob(path, { type: typeOf(path) });
  const more = { ...(begun !== undefined && { resume: begun }), ...(onStart && { onStart }) };
  return (await client.upload(blob, { ...more, name: basename(path), signal })).reference;
}
