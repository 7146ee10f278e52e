/**
 * The first phase of a batch: its input is held against the rules, a piece a step, before anything is submitted. What is wrong with
 * a line's shape fails the whole batch, as in OpenAI's API; what is wrong with what it asks fails that line alone, later.
 */
import { toBase64 } from "../encoding/base64.ts";
import { parseJson } from "../encoding/json.ts";
import { weigh } from "../http/body.ts";
import { holdsNoKey } from "../http/no-keys.ts";
import { standingOf } from "../inferences/sql/insert.ts";
import { BATCH_CUSTOM_ID_CHARACTERS, BATCH_ERRORS, BATCH_HEAP_BYTES, BATCH_LINES, BATCH_LINE_BYTES, JSON_DEPTH } from "../limits.ts";
import { MODEL_NAME_CHARACTERS, modelNotFound } from "../models/unknown.ts";
import { NOW } from "../platform/sql.ts";
import type { Ports } from "../ports.ts";
import { shown } from "../problem.ts";
import { isObject } from "../tensors/tensor.ts";
import type { LineFault, Step } from "./batch.ts";
import { type Bounds, type Line, type Piece, readPiece } from "./lines.ts";
import { endBatch, endStep, atEnd } from "./store.ts";
import type { BatchWire } from "./wire.ts";

/** What a line says, if its shape is right. */
export interface LineRead {
  readonly customId: string;
  readonly model: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Of the custom_ids of a batch's lines; its row has as many digests as there are lines, one after the other. */
const DIGEST_BYTES = 8;
const DIGEST_CHARACTERS = 11;

/** Checks the next piece. */
export async function checkPiece(ports: Ports, wire: BatchWire, step: Step, bounds: Bounds): Promise<void> {
  const { db } = ports;
  const piece = await readPiece(ports.payloads, step, step, bounds);
  if (piece.kind !== "lines") return fail(ports, step, [ofPiece(piece)]);
  const total = step.total + piece.lines.length;
  const { faults, digests } = await faultsIn(ports, wire, step, piece.lines);
  if (total > BATCH_LINES) faults.push(fileFault("too_many_lines", `The file has more than ${BATCH_LINES} lines.`));
  if (piece.isLast && total === 0) faults.push(fileFault("empty_file", "The file has no lines."));
  if (faults.length > 0) return fail(ports, step, faults.slice(0, BATCH_ERRORS));
  if (!piece.isLast) {
    await endStep(db, step, { total, position: piece.position, line: piece.line, digests: step.digests + digests });
  } else {
    await endStep(db, step, { total, position: 0, line: 0, digests: "", phase: "submit", status: "in_progress", in_progress_at: NOW });
  }
}

/** Ends a batch whose input is wrong. */
export async function fail({ db }: Pick<Ports, "db">, step: Step, faults: readonly LineFault[]): Promise<void> {
  const none = { output_file_id: null, error_file_id: null };
  await endBatch(
    db,
    step,
    atEnd("failed", { ...none, errors: JSON.stringify(faults), ...(step.inProgressAt === null ? { total: 0 } : {}) }),
  );
}

const fileFault = (code: string, message: string, param: string | null = null): LineFault => ({ code, message, param, line: null });

/** What is said of an input that can't be read. */
export function ofPiece(piece: Exclude<Piece, { kind: "lines" }>): LineFault {
  if (piece.kind === "gone") return fileFault("file_not_found", "The input file is no longer there.", "input_file_id");
  return { code: "line_too_long", message: `The line has more than ${BATCH_LINE_BYTES} bytes.`, param: null, line: piece.number };
}

async function faultsIn(ports: Ports, wire: BatchWire, step: Step, lines: readonly Line[]) {
  const known = new Set(step.digests.match(new RegExp(`.{${DIGEST_CHARACTERS}}`, "gs")));
  const models = new Map<string, string | null>();
  const faults: LineFault[] = [];
  let digests = "";
  for (const line of lines) {
    if (faults.length >= BATCH_ERRORS) break;
    const read = readLine(line, step.endpoint);
    if ("code" in read) {
      faults.push(read);
      continue;
    }
    const { customId, model } = read;
    const digest = await digestOf(customId);
    if (known.has(digest))
      faults.push(fault(line, "duplicate_custom_id", `"custom_id" ${shown(customId)} is that of an earlier line, too.`, "custom_id"));
    known.add(digest);
    digests += digest;
    if (!models.has(model)) models.set(model, await missing(ports, wire, step, model));
    const reason = models.get(model);
    if (typeof reason === "string") faults.push(fault(line, "model_not_found", reason, "body.model"));
  }
  return { faults, digests };
}

async function digestOf(customId: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(customId));
  return toBase64(new Uint8Array(digest, 0, DIGEST_BYTES)).slice(0, DIGEST_CHARACTERS);
}

/** Why a model is not served so; null if it is. */
async function missing(ports: Ports, wire: BatchWire, { accountId, endpoint }: Step, model: string): Promise<string | null> {
  const wanted = { model, version: null, capability: wire.capabilityOf(endpoint) ?? "" };
  // No model has such a name, and the database may refuse to look for it: then the batch would be tried until its window ends.
  if (model.length > MODEL_NAME_CHARACTERS) return modelNotFound({ model }, null).detail;
  const { served, versions, capabilities } = await standingOf(ports, accountId, wanted);
  if (served) return null;
  return modelNotFound({ model, capability: wanted.capability }, versions && capabilities && { versions, capabilities }).detail;
}

const fault = ({ number }: Line, code: string, message: string, param: string | null = null): LineFault => ({
  code,
  message,
  param,
  line: number,
});

/** The database drops U+0000, so two lines could come back under one name. */
const isCustomId = (text: string) =>
  text !== "" && text.length <= BATCH_CUSTOM_ID_CHARACTERS && text.isWellFormed() && !text.includes("\0");

/** What a line says, or what is wrong with its shape. */
export function readLine(line: Line, endpoint: string): LineRead | LineFault {
  const { text } = line;
  if (text === null) return fault(line, "invalid_json_line", "The line is not UTF-8.");
  const { depth, heapBytes } = weigh(text);
  if (depth > JSON_DEPTH) return fault(line, "invalid_json_line", `The line is nested deeper than ${JSON_DEPTH} levels.`);
  if (heapBytes > BATCH_HEAP_BYTES)
    return fault(line, "line_too_long", "The line holds too many arrays, objects or members to be read at once.");
  if (!holdsNoKey(text)) return fault(line, "invalid_request", "The line contains an API key: send keys in a header, and revoke this one.");
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    return fault(line, "invalid_json_line", `The line is not JSON: ${error instanceof Error ? error.message : "it does not parse"}.`);
  }
  if (!isObject(value)) return fault(line, "invalid_json_line", `The line must be an object, and is ${shown(value)}.`);
  const { custom_id: customId, method, url, body } = value;
  const wrong = (code: string, param: string, wanted: string, found: unknown) =>
    found === undefined
      ? fault(line, "missing_required_parameter", `"${param}" is missing.`, param)
      : fault(line, code, `"${param}" must be ${wanted}, and is ${shown(found)}.`, param);
  if (typeof customId !== "string" || !isCustomId(customId)) {
    return wrong(
      "invalid_custom_id",
      "custom_id",
      `a text of 1 to ${BATCH_CUSTOM_ID_CHARACTERS} characters, none of them U+0000`,
      customId,
    );
  }
  if (method !== "POST") return wrong("invalid_method", "method", '"POST"', method);
  if (url !== endpoint) return wrong("mismatched_endpoint", "url", `the batch's endpoint, "${endpoint}"`, url);
  if (!isObject(body)) return wrong("invalid_request", "body", "an object", body);
  const { model } = body;
  if (typeof model !== "string" || model === "") return wrong("invalid_request", "body.model", "a model's name", model);
  return { customId, model, body };
}
