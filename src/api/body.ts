/**
 * The one place where a request's body is read: type, size, encoding, JSON and schema, in that order, each with its own
 * problem. A body is read at most once and never beyond its limit.
 */
import type * as z from "zod";
import { parseJson } from "../json.ts";
import { JSON_DEPTH } from "../numbers.ts";
import { type Fault, problem } from "../problem.ts";

/** The body as JSON: its text as sent, and its value. Throws 415, 413 or 400. */
export async function readJson(request: Request, limitBytes: number): Promise<{ text: string; value: unknown }> {
  const type = request.headers.get("content-type");
  if (type !== null && !/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type)) {
    throw problem("unsupported_media_type", {
      detail: "The body must be JSON: Content-Type: application/json.",
      headers: { Accept: "application/json" },
    });
  }
  const text = await readText(request, limitBytes);
  if (text.trim() === "") throw problem("bad_json", { detail: "The body is empty; it must be JSON." });
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    throw problem("bad_json", { detail: `The body is not JSON: ${error instanceof Error ? error.message : "it does not parse"}` });
  }
  if (nesting(text) > JSON_DEPTH) throw problem("bad_json", { detail: `The body is nested deeper than ${JSON_DEPTH} levels.` });
  return { text, value };
}

/** A value as the schema has it; throws 422 that names each fault with its place. */
export function check<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value, { reportInput: true });
  if (parsed.success) return parsed.data;
  throw problem("invalid_input", { faults: parsed.error.issues.slice(0, 20).map(faultOf) });
}

function faultOf(issue: z.core.$ZodIssue): Fault {
  const path = issue.path.filter((part) => typeof part !== "symbol");
  if (issue.code === "unrecognized_keys") return { path, detail: `unknown member ${issue.keys.map((key) => `"${key}"`).join(", ")}` };
  if (issue.input === undefined && (issue.code === "invalid_type" || issue.code === "invalid_union")) return { path, detail: "is missing" };
  return { path, detail: issue.message.replace(/^Invalid input: /, "") };
}

async function readText(request: Request, limitBytes: number): Promise<string> {
  const tooLarge = () => problem("body_too_large", { detail: `The body exceeds ${limitBytes} bytes.` });
  if (Number(request.headers.get("content-length") ?? 0) > limitBytes) throw tooLarge();
  if (!request.body) return "";
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  const reader = request.body.getReader();
  let text = "";
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (value) bytes += value.byteLength;
    if (bytes > limitBytes) {
      await reader.cancel();
      throw tooLarge();
    }
    try {
      text += done ? decoder.decode() : decoder.decode(value, { stream: true });
    } catch {
      throw problem("bad_json", { detail: "The body is not UTF-8." });
    }
    if (done) return text;
  }
}

/** The deepest nesting of a JSON text that is known to parse. */
function nesting(text: string): number {
  let depth = 0;
  let deepest = 0;
  let quoted = false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (quoted) {
      if (code === 0x5c) index++;
      else if (code === 0x22) quoted = false;
    } else if (code === 0x22) quoted = true;
    else if (code === 0x5b || code === 0x7b) deepest = Math.max(deepest, ++depth);
    else if (code === 0x5d || code === 0x7d) depth--;
  }
  return deepest;
}
