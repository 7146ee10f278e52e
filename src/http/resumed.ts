/**
 * The answer that is a stream which resumes, from any place in it: the backend's own words, each event with its place as its id,
 * and the last words of the wire by which the inference was submitted. Any of it may be read again, by anybody who may read
 * the inference; who leaves stops nothing.
 */
import * as z from "zod";
import { KEEP_ALIVE } from "../backends/streams/event-reader.ts";
import type { Inference } from "../inferences/inference.ts";
import { findInference } from "../inferences/sql/read.ts";
import { isFinal } from "../inferences/status.ts";
import { START, type StreamPlace, placeOf, placeText } from "../inferences/streams/place.ts";
import { type KeptEvent, locate, newsOf } from "../inferences/streams/reader.ts";
import { submit } from "../inferences/submit.ts";
import type { Submission } from "../inferences/submission.ts";
import { EVENTS_RETRY_MS } from "../limits.ts";
import { problem, shown } from "../problem.ts";
import { replayHeaders } from "./answer.ts";
import { check } from "./body.ts";
import { prefersAsync } from "./prefer.ts";
import type { KeyCall, StreamEnds } from "./route.ts";
import { eventStream, eventsWritten } from "./sse.ts";
import { switchSchema } from "./switch.ts";

/**
 * The id of the event that ends a stream: who sends it back has all. It names the moment of its end, since a redrive may undo
 * one, and the next one may come without a word in between.
 */
const END_ID = /^(\d+\.\d+)(?:\.(\d+))?\.end$/; // earlier versions named no moment
const endedAt = (inference: Inference) => ("finishedAt" in inference ? inference.finishedAt : null);
const endId = (place: StreamPlace, inference: Inference) => `${placeText(place)}.${endedAt(inference)}.end`;

const idLine = (id: string) => `id: ${id}\n`;

/** Where a client goes on, and in which state of the inference: null is the beginning. Throws if it names no place in the stream. */
export async function placeIn(
  call: KeyCall,
  found: Inference,
  asked: string | undefined,
): Promise<{ readonly inference: Inference; readonly from: StreamPlace | null | "over" }> {
  const last = call.request.headers.get("last-event-id") || asked || null;
  const [, end, moment] = END_ID.exec(last ?? "") ?? [];
  const place = end !== undefined ? endPlaceOf(end) : last === null ? null : placeOf(last);
  // A copy of the database that lags does not know of the attempt whose words the client has, or that a redrive has undone an end.
  const mayBeOld = (place !== null && place.attempt > found.attempt) || (isFinal(found.status) && found.status !== "succeeded");
  const inference = (mayBeOld && (await findInference(call.ports.db, found.accountId, found.id))) || found;
  if (last === null) return { inference, from: null };
  const lies = place && (await locate(call.ports, inference, place));
  const isThisEnd = end !== undefined && isFinal(inference.status) && (moment === undefined || Number(moment) === endedAt(inference));
  if (lies) return { inference, from: isThisEnd && lies === "last" ? "over" : place };
  throw problem("bad_request", {
    detail: `Last-Event-ID or "after" must be the id of an event of this stream, and is ${shown(last)}. Leave it out to begin at the beginning.`,
  });
}

/** The same as `placeOf`, for an end, which may come before any word. */
const endPlaceOf = (text: string) => (text === placeText(START) ? START : placeOf(text));

/** A stream from a place on. `endAt`: when it is cut, to be gone on with; by the isolate's clock. */
export async function resumedStream(
  call: KeyCall,
  inference: Inference,
  ends: StreamEnds,
  { from, endAt, headers, retries }: { from: StreamPlace | null; endAt: number; headers: Record<string, string>; retries: boolean },
): Promise<Response> {
  if (call.request.method === "HEAD") return eventStream("", headers);
  const encoder = new TextEncoder();
  return eventsWritten(call, retries ? "read" : "submit", { headers, endAt }, async (write, gone) => {
    const say = (text: string) => write(encoder.encode(text));
    if (!retries) await say(KEEP_ALIVE); // it is submitted: its client must have its id, which the head has, whatever stands in the way
    for await (const news of newsOf(call.ports, inference, from, { endAt, gone, after: call.after })) {
      switch (news.kind) {
        case "events":
          await write(numbered(news.events, ends));
          break;
        case "listening":
          if (retries) await say(`retry: ${EVENTS_RETRY_MS}\n`); // no blank line: many readers make an event of a block without data
          break;
        case "quiet":
          await say(KEEP_ALIVE);
          break;
        case "restarted":
          if (ends.restarted) return say(ends.restarted(inference));
          await say(`event: restart\ndata: ${JSON.stringify({ inference_id: inference.id, attempt: news.attempt })}\n\n`);
          break;
        case "ended": {
          const whole = news.inference.status === "succeeded" && !news.isKept ? await ends.whole(news.inference, call) : null;
          if (whole !== null) await write(new Uint8Array(await new Response(whole).arrayBuffer()));
          const last = ends.last(news.inference, call) || (retries ? "event: end\ndata: {}\n\n" : ""); // its id keeps a reader from coming back
          if (last !== "") await say(idLine(endId(news.place, news.inference)) + last);
          return;
        }
        default:
          news satisfies never;
      }
    }
  });
}

const detachQuery = z.object({ detach: switchSchema.optional() });

/** Whether a client that asks for a stream wants one that goes on without it: `?detach=1`, or `Prefer: respond-async`. Throws 422 for another value. */
export function isDetached({ request, url }: Pick<KeyCall, "request" | "url">): boolean {
  const { detach = false } = check(detachQuery, Object.fromEntries(url.searchParams), "query");
  return detach || prefersAsync(request.headers);
}

/** Submits, and answers with the stream from its beginning on: at once, so that the client knows the inference's id from then on. */
export async function submitDetached(
  call: KeyCall,
  submission: Submission,
  ends: StreamEnds,
  headersOf: (inference: Inference) => Record<string, string> = () => ({}),
): Promise<Response> {
  const submitted = await submit(call.ports, { ...submission, resumable: true }, call.after);
  const { inference } = submitted;
  const applied = prefersAsync(call.request.headers) ? { "Preference-Applied": "respond-async" } : {};
  const about = {
    "X-Inference-Id": inference.id,
    "Content-Location": `${call.origin}/v1/inferences/${inference.id}/stream`,
    Vary: "Prefer",
  };
  const all = { ...headersOf(inference), ...about, ...applied, ...replayHeaders(submitted) };
  return resumedStream(call, inference, ends, { from: null, endAt: Infinity, headers: all, retries: false });
}

/** Events with their ids, as the wire tells them. */
function numbered(kept: readonly KeptEvent[], ends: StreamEnds): Uint8Array {
  const encoder = new TextEncoder();
  const told = ({ event, place }: KeptEvent): KeptEvent => ({ event: ends.told ? encoder.encode(ends.told(event)) : event, place });
  const events = kept.map(told).filter(({ event }) => event.byteLength > 0);
  const ids = events.map(({ place }) => encoder.encode(idLine(placeText(place))));
  const bytes = new Uint8Array(events.reduce((sum, { event }, index) => sum + event.byteLength + (ids[index]?.byteLength ?? 0), 0));
  let offset = 0;
  events.forEach(({ event }, index) => {
    for (const piece of [ids[index] ?? new Uint8Array(), event]) {
      bytes.set(piece, offset);
      offset += piece.byteLength;
    }
  });
  return bytes;
}
