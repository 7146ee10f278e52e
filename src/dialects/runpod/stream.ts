/**
 * A job's output while it comes: each call gets the chunks that the one before did not, since the wire has no place to go on from
 * (streams/given.ts). Of calls that ask at once, one gets what comes next, and what a client that has left was to get goes to the next. A call
 * is held until there is something. The chunks are those of a job whose model streams and was asked to (`"stream": true` in the input of a
 * text model); of any other the whole output is one. Those of an attempt that was lost are followed by all of the next.
 * The last status comes once all was given: their client for Node then leaves, that for Python asks once more and wants nothing.
 */
import { resultLinks } from "../../api/links.ts";
import { DONE, EventReader } from "../../backends/streams/event-reader.ts";
import { parseJson, writeJson } from "../../encoding/json.ts";
import { jsonText } from "../../http/answer.ts";
import { type NotFound, lookUp } from "../../http/lookup.ts";
import { withTexts } from "../../http/output.ts";
import type { KeyCall } from "../../http/route.ts";
import type { Inference } from "../../inferences/inference.ts";
import { findInference } from "../../inferences/sql/read.ts";
import { isFinal } from "../../inferences/status.ts";
import { type StreamPlace, placeOf, placeText } from "../../inferences/streams/place.ts";
import { type KeptEvent, newsOf } from "../../inferences/streams/reader.ts";
import { waitForEnd } from "../../inferences/watch.ts";
import { problem } from "../../problem.ts";
import { outputText, statusOf } from "./present.ts";
import type { JobStatus, ShownStream } from "./schemas.ts";

/** For how long a call is held that does not say: their client for Python waits 10 s for an answer. */
export const HELD_MS = 5_000;
/** What comes so soon after a first chunk is answered with it: their client for Node asks again at once. */
const GATHER_MS = 300;
/** What one answer has, about: published as the most of one chunk. */
const ANSWER_CHARACTERS = 1_000_000;

/** What a call is to get. */
interface Next {
  /** Each as JSON. */
  readonly chunks: readonly string[];
  /** The place after them. */
  readonly to: string;
  /** The job at its end, if there is no more to get; else null. */
  readonly end: Inference | null;
}

export async function streamJob(call: KeyCall, heldMs: number, notFound: NotFound): Promise<Response> {
  const { ports, request } = call;
  const found = await lookUp(call, notFound);
  const { accountId, id } = found;
  const from = await ports.streams.given(accountId, id);
  const { chunks, to, end } = await nextOf(call, await upTo(call, found, from), from, heldMs, notFound);
  const isRead = request.method !== "HEAD" && !request.signal.aborted;
  if (to !== from && isRead && !(await ports.streams.give(accountId, id, from, to))) return answerOf([], null, found);
  return answerOf(chunks, end, found);
}

function answerOf(chunks: readonly string[], end: Inference | null, found: Inference): Response {
  const status = end ? lastStatusOf(end) : chunks.length > 0 || isFinal(found.status) ? "IN_PROGRESS" : statusOf(found);
  const shown: Omit<ShownStream, "stream"> = { status, ...(end && "error" in end ? { error: end.error.message } : {}) };
  return jsonText(withTexts(shown, { stream: `[${chunks.map((chunk) => `{"output":${chunk}}`).join(",")}]` }));
}

/** Their client for Python asks for ever if it is told here that a job is cancelled. */
function lastStatusOf(inference: Inference): JobStatus {
  return inference.status === "canceled" ? "FAILED" : statusOf(inference);
}

/** A copy of the database that lags does not know of the attempt whose chunks were given. */
async function upTo(call: KeyCall, found: Inference, from: string): Promise<Inference> {
  const place = placeOf(from);
  if (!place || place.attempt <= found.attempt) return found;
  return (await findInference(call.ports.db, found.accountId, found.id)) ?? found;
}

async function nextOf(call: KeyCall, inference: Inference, from: string, heldMs: number, notFound: NotFound): Promise<Next> {
  if ("dataRemoved" in inference && inference.dataRemoved) throw problem("payload_gone", { detail: "The stream is no longer stored." });
  if (inference.resumable) return keptAfter(call, inference, from, heldMs);
  const listening = { gone: call.request.signal, after: call.after };
  const state = isFinal(inference.status) ? inference : await waitForEnd(call.ports, inference, heldMs, listening);
  if (!state) throw notFound(inference.id);
  return wholeOf(call, state, from);
}

/** A whole output, unless it was given. */
async function wholeOf(call: KeyCall, inference: Inference, from: string): Promise<Next> {
  const end = isFinal(inference.status) ? inference : null;
  const to = `${inference.attempt}.all`;
  if (inference.status !== "succeeded" || from === to) return { chunks: [], to: from, end };
  const text = await outputText(call.ports.payloads, inference, resultLinks(call, inference));
  if (text === null) throw problem("payload_gone", { detail: "The output is no longer stored." });
  return { chunks: [text], to, end };
}

/** What is kept of a stream after what was given, until there is something. */
async function keptAfter(call: KeyCall, inference: Inference, from: string, heldMs: number): Promise<Next> {
  const { ports, request, after } = call;
  const enough = new AbortController();
  const gone = AbortSignal.any([request.signal, enough.signal]);
  let cancelGathering: (() => void) | null = null;
  let place: StreamPlace | null = null;
  let chunks: string[] = [];
  let characters = 0;
  try {
    for await (const news of newsOf(ports, inference, placeOf(from), { endAt: ports.clock.now() + heldMs, gone, after })) {
      if (news.kind === "restarted") chunks = []; // of an attempt that counts no more
      if (news.kind === "ended") {
        if (news.inference.status === "succeeded" && !news.isKept) return await wholeOf(call, news.inference, from);
        return { chunks, to: place ? placeText(place) : from, end: news.inference };
      }
      if (news.kind !== "events") continue;
      const some = chunksIn(news.events);
      chunks.push(...some);
      characters += some.reduce((sum, { length }) => sum + length, 0);
      place = news.events.at(-1)?.place ?? place;
      if (characters >= ANSWER_CHARACTERS) break;
      if (chunks.length > 0) cancelGathering ??= ports.clock.after(GATHER_MS, () => enough.abort());
    }
  } finally {
    cancelGathering?.();
  }
  return { chunks, to: place ? placeText(place) : from, end: null };
}

/** The data of events, as JSON; what is none is a text. */
function chunksIn(events: readonly KeptEvent[]): string[] {
  const reader = new EventReader();
  const read = [...events.flatMap(({ event }) => [...reader.of(event)]), ...reader.rest()];
  return read.flatMap(({ data }) => (data === null || data.trim() === "" || data === DONE ? [] : [isJson(data) ? data : writeJson(data)]));
}

function isJson(text: string): boolean {
  try {
    parseJson(text);
    return true;
  } catch {
    return false; // said by the model, whatever it is
  }
}
