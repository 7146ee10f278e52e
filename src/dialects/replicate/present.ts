/** How Replicate's wire shows a prediction: its members, its input as clients sent it, its output with links in the place of files. */
import { parseJson, writeJson } from "../../encoding/json.ts";
import { cachingOf } from "../../http/answer.ts";
import { type LinkTo, type Rendered, objectText, render, renderInline, withLinks, withTexts } from "../../http/output.ts";
import { time } from "../../http/time.ts";
import { referenceTo, replaceReferences } from "../../files/references.ts";
import type { Inference } from "../../inferences/inference.ts";
import { STREAM_PART } from "../../inferences/streams/sink.ts";
import { LINK_SECONDS } from "../../limits.ts";
import type { Bucket } from "../../payloads/bucket.ts";
import type { Payload } from "../../payloads/payload.ts";
import { NO_VERSION, type PredictionStatus, ROOT, type ShownPrediction } from "./schemas.ts";

/** What a prediction's answer needs beside it. */
export interface Showing {
  /** Where clients reach us, without a slash at the end. */
  readonly origin: string;
  /** A link to its output, or to one of the parts, that needs no key. */
  readonly resultLink: LinkTo;
  /** Null where outputs that are not at hand are not read. */
  readonly payloads: Bucket | null;
  /** Where its events are, without a key. */
  readonly stream?: string | null;
  readonly cancelAt?: number | null;
}

/** One that has begun stays `processing`, though it may wait for another attempt; none is ever `aborted`, which clients don't know for an end. */
function statusOf({ status, startedAt }: Inference): PredictionStatus {
  switch (status) {
    case "queued":
      return startedAt === null ? "starting" : "processing";
    case "in_progress":
      return "processing";
    case "succeeded":
    case "failed":
    case "canceled":
      return status;
    case "expired":
      return "failed";
    default:
      return status satisfies never;
  }
}

/** A prediction's text around that of its input. */
export async function predictionText(inference: Inference, input: string, showing: Showing): Promise<string> {
  return withTexts(membersOf(inference, showing), { input, output: await outputText(inference, showing) });
}

/** To a key that may cancel it and not read it: neither what went in nor what came out. */
export function bareText(inference: Inference, origin: string): string {
  const members = membersOf({ ...inference, log: [] }, { origin });
  return withTexts(members, { input: "{}", output: "null" });
}

/**
 * One that was waited for in vain: clients ask on only for what is `starting`, and take an output that is null from anything else.
 */
export function startingText(inference: Inference, input: string, showing: Showing): string {
  const members = { ...membersOf(inference, showing), status: "starting" as const, started_at: null };
  return withTexts(members, { input, output: "null" });
}

function membersOf(
  inference: Inference,
  { origin, stream = null, cancelAt = null }: Pick<Showing, "origin" | "stream" | "cancelAt">,
): ShownPrediction {
  const { id, model, version, createdAt, startedAt, log, runMs } = inference;
  const self = `${origin}${ROOT}/predictions/${id}`;
  const finishedAt = "finishedAt" in inference ? inference.finishedAt : null;
  const seconds = (ms: number) => ms / 1000;
  return {
    id,
    model,
    version: version || NO_VERSION,
    logs: linesText(log),
    error: "error" in inference ? inference.error.message : null,
    status: statusOf(inference),
    data_removed: isRemoved(inference),
    source: "api",
    created_at: time(createdAt),
    started_at: time(startedAt),
    completed_at: time(finishedAt),
    ...(cancelAt === null || finishedAt !== null ? {} : { deadline: time(cancelAt) }),
    metrics:
      finishedAt === null
        ? {}
        : { ...(startedAt === null ? {} : { predict_time: seconds(runMs) }), total_time: seconds(finishedAt - createdAt) },
    urls: {
      get: self,
      cancel: `${self}/cancel`,
      web: `${origin}/console/inferences/${id}`,
      ...(stream === null ? {} : { stream }),
    },
  };
}

/** The lines of its model, as one text. */
export function linesText(log: Inference["log"]): string {
  return log.flatMap(({ event, message }) => (event === "log" && message !== undefined ? [`${message}\n`] : [])).join("");
}

export const isRemoved = (inference: Inference) => "dataRemoved" in inference && inference.dataRemoved;

/**
 * The validators of an answer that shows it to one key at `now` (ms): its links are that key's, and last for a while, so it is compared
 * each time.
 */
export function validatorsOf(inference: Inference, keyId: string, now: number): Record<string, string> {
  const { ETag = "" } = cachingOf(inference);
  const links = inference.status === "succeeded" ? `-${Math.floor(now / 1000 / LINK_SECONDS.default)}` : "";
  const tag = `${ETag.slice(0, -1)}-${keyId}${links}${isRemoved(inference) ? "-removed" : ""}"`;
  return { ETag: tag, "Cache-Control": "private, no-cache" };
}

// Input

/** The address of a file: in an input, it stands for the file. */
export const fileUrl = (origin: string, id: string) => `${origin}${ROOT}/files/${id}`;

const literal = (text: string) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

/** The text of a JSON input in which each of those addresses is a reference to the file. */
export function withReferences(text: string, origin: string): string {
  const begin = fileUrl(origin, "");
  if (!text.includes(begin)) return text;
  const pattern = new RegExp(`(?<!\\\\)"${literal(begin)}([0-9A-Fa-f-]{36})"(?!\\s*:)`, "g");
  return text.replaceAll(pattern, (_, id: string) => JSON.stringify(referenceTo(id.toLowerCase())));
}

/** The text of an input, as clients sent it; `{}` once it was removed. One that is not in its row is an address. */
export function inputText(input: Payload | null, inferenceId: string, origin: string): string {
  if (input === null) return "{}";
  const rendered = renderInline(input);
  if (rendered.kind === "gone") return "{}";
  return replaceReferences(objectText(rendered, input, `${origin}/v1/inferences/${inferenceId}/input`), (id) => fileUrl(origin, id));
}

// Output

/** The text of what a prediction shows as its output; "null" before there is one, and once it was removed. */
export async function outputText(inference: Inference, { payloads, resultLink }: Showing): Promise<string> {
  if (inference.status !== "succeeded" || inference.dataRemoved) return "null";
  const { id, output, parts } = inference;
  const rendered: Rendered = payloads === null ? renderInline(output) : await render(payloads, output);
  if (rendered.kind === "gone") return "null";
  if (rendered.kind === "elsewhere") return writeJson(await resultLink());
  const named = await withLinks(rendered.text, id, parts, resultLink);
  if (named !== null) return named;
  const beside = parts.flatMap(({ name }, index) => (name === STREAM_PART ? [] : [index]));
  if (beside.length === 0) return rendered.text;
  const links = await Promise.all(beside.map((index) => resultLink(index)));
  return writeJson(links.length === 1 ? links[0] : links);
}

/** An output's text as the pieces of a stream: a text as it is, a list of texts one by one, all else as JSON. */
export function piecesOf(output: string): readonly string[] {
  const begin = output.trimStart()[0];
  if (begin !== '"' && begin !== "[") return [output];
  const value = parseJson(output);
  if (typeof value === "string") return [value];
  return Array.isArray(value) && value.length > 0 && value.every((it) => typeof it === "string") ? value : [output];
}
