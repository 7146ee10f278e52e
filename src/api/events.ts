/** Server-sent events: what happens to an inference, or to all of an account, as it happens. */
import * as z from "zod";
import { KEEP_ALIVE, safeLines } from "../backends/streams/event-reader.ts";
import { writeJson } from "../encoding/json.ts";
import { metadataSchema } from "../http/filter.ts";
import { wordsOf } from "../http/list.ts";
import { lookUp } from "../http/lookup.ts";
import { type Input, type KeyCall, type RouteShape, route } from "../http/route.ts";
import { EVENTS_TYPE, eventStream, eventsWritten } from "../http/sse.ts";
import type { Inference, Progress } from "../inferences/inference.ts";
import { type Line, type Place, hasLine, linesAfter, placeOf, placeText, statusAfter } from "../inferences/log-events.ts";
import { STATUSES, isFinal } from "../inferences/status.ts";
import { inferenceIn, statesOf, toldOf } from "../inferences/watch.ts";
import { EVENTS_RETRY_MS, EVENTS_SECONDS, WATCH_OBJECTS_PER_ACCOUNT } from "../limits.ts";
import type { AfterEvent, Told } from "../ports.ts";
import { problem, shown } from "../problem.ts";
import { notFound, present, presentLine, progressOf } from "./present.ts";

const after = z.string().max(128).optional().describe("As the header `Last-Event-ID`, for clients that can't send it.");

const STREAM = { 200: { description: "Events, until the end.", other: { [EVENTS_TYPE]: "see docs/watching.md" } } } as const;

const OF_ONE = {
  summary: "Watch an inference: its events until its end; resumes after `Last-Event-ID`.",
  params: z.object({ id: z.string().describe("The inference's id.") }),
  query: z.strictObject({ after }),
  answers: { ...STREAM, 204: { description: "It has ended, and the client has all its events." } },
} as const satisfies RouteShape;

const OF_ALL = {
  summary: "Watch all inferences of the account; resumes after `Last-Event-ID`.",
  query: z.strictObject({
    model: z.string().min(1).max(128).optional().describe("Only of this model."),
    status: wordsOf(STATUSES).optional().describe("Only events with which one of these begins, with commas between."),
    metadata: metadataSchema.optional().describe("Only of those that have all of these words in their metadata: `metadata[k]=v`."),
    after,
  }),
  repeatable: ["status"],
  deep: "metadata",
  answers: STREAM,
} as const satisfies RouteShape;

export const eventRoutes = [
  route("read", "GET", "/v1/inferences/:id/events", OF_ONE, ofOne),
  route("read", "GET", "/v1/events", OF_ALL, ofAll),
];

const RESET = "event: reset\ndata: {}\n\n";

type Write = (text: string) => Promise<void>;

async function ofOne(call: KeyCall, { query }: Input<typeof OF_ONE>): Promise<Response> {
  const last = lastOf(call, query.after);
  const from = last === null ? null : placeOf(last);
  if (last !== null && !from) throw noEvent(last, "at the beginning");
  const inference = await lookUp(call, notFound);
  const isOver = from !== null && isFinal(inference.status) && hasLine(inference, from) && from.index === inference.log.length - 1;
  if (isOver) return new Response(null, { status: 204, headers: { "Cache-Control": "private, no-store" } });
  return streamed(call, async (write, gone, endAt) => {
    let place: Place | null = from;
    let waits = "";
    let progressAt = 0;
    let isFirst = true;
    for await (const state of statesOf(call.ports, inference, { endAt, signal: gone, after: call.after, withWait: true })) {
      // The first is as it is now: a number that it does not have is of a log that was shortened, or of another inference.
      const isForeign = isFirst && place !== null && !hasLine(state, place);
      isFirst = false;
      const { lines, isCut } = isForeign ? { ...linesAfter(state, null), isCut: true } : linesAfter(state, place);
      place = lines.at(-1)?.place ?? place;
      const waiting = state.status === "queued" && state.wait ? positionOf(state, call) : "";
      const news = lines.map((line, index) => eventOf(state, line, placeText(line.place), index === lines.length - 1 ? call : null));
      const moved = waiting === waits || waiting === "" ? "" : waiting;
      waits = waiting === "" ? waits : waiting;
      const progress = state.status === "in_progress" ? state.progress : null;
      // A notification may be late: older than the last, or of an attempt that is over.
      const isNews = progress !== null && progress.at > progressAt && progress.at >= (place?.at ?? 0);
      const progressed = isNews ? progressEventOf(state.id, progress) : "";
      if (isNews) progressAt = progress.at;
      await write((isCut ? RESET : "") + news.join("") + moved + progressed || KEEP_ALIVE);
      if (isFinal(state.status)) return;
    }
  });
}

async function ofAll(call: KeyCall, { query }: Input<typeof OF_ALL>): Promise<Response> {
  const last = lastOf(call, query.after);
  const from = last === null ? null : accountEventOf(last);
  if (last !== null && !from) throw noEvent(last, "with what happens from now on");
  return streamed(call, async (write, gone, endAt) => {
    for await (const { object, told } of toldOf(call.ports, call.caller.accountId, from, endAt, gone)) {
      const events = told.map((it) => accountEvent(it, object, query, call)).join("");
      await write(events || KEEP_ALIVE);
    }
  });
}

/** One event of an account's stream; "" if the filter does not want it. */
function accountEvent(it: Told, object: number, query: Input<typeof OF_ALL>["query"], call: KeyCall): string {
  const { row, line, event } = it;
  const id = `${object}.${event ?? ""}`;
  if (row === null) return `${event === undefined ? "" : `id: ${id}\n`}${it.begins ? "\n" : RESET}`;
  const inference = inferenceIn(it);
  const { model, status, metadata = {} } = query;
  const said = line === undefined ? null : linesAfter(inference, null).lines[line];
  const begun = said ? statusAfter(said) : inference.status;
  if (model !== undefined && inference.model !== model) return "";
  if (status !== undefined && (begun === null || !status.includes(begun))) return "";
  if (Object.entries(metadata).some(([name, value]) => inference.metadata[name] !== value)) return "";
  if (said) return eventOf(inference, said, id, call);
  return inference.status === "in_progress" && inference.progress ? progressEventOf(inference.id, inference.progress) : "";
}

/** An answer of events that `tell` writes, until it returns or the client is gone. */
async function streamed(call: KeyCall, tell: (write: Write, gone: AbortSignal, endAt: number) => Promise<void>): Promise<Response> {
  if (call.request.method === "HEAD") return eventStream("", {});
  const endAt = call.ports.clock.now() + EVENTS_SECONDS * 1000;
  return eventsWritten(call, "read", { headers: {}, endAt }, async (writeBytes, gone) => {
    let head = `retry: ${EVENTS_RETRY_MS}\n`;
    const write: Write = (text) => {
      const bytes = bytesOf(head + text);
      head = "";
      return writeBytes(bytes);
    };
    await tell(write, gone, endAt);
  });
}

const encoder = new TextEncoder();
let encoded = { text: "", bytes: encoder.encode("") };

/** A text's bytes; made once of one that several are told in turn. Nobody writes to them. */
function bytesOf(text: string): Uint8Array {
  if (text !== encoded.text) encoded = { text, bytes: encoder.encode(text) };
  return encoded.bytes;
}

/** Events as they were last written, by the inference that they show: many may watch the same. */
const written = new WeakMap<Inference, Map<string, string>>();

function once(inference: Inference, name: string, write: () => string): string {
  const its = written.get(inference) ?? new Map<string, string>();
  written.set(inference, its);
  const known = its.get(name);
  if (known !== undefined) return known;
  const text = write();
  its.set(name, text);
  return text;
}

/** A line of an inference's log as an event, with the inference as it is now if there is a call to show it to. */
function eventOf(inference: Inference, line: Line, id: string, call: KeyCall | null): string {
  const begun = statusAfter(line);
  const isEnd = isFinal(inference.status) && line.place.index === inference.log.length - 1;
  const name = begun === null ? "log" : isEnd ? "final" : "status";
  return once(inference, `${id} ${call?.origin ?? ""}`, () => {
    const { place: _, ...entry } = line;
    const data = { inference_id: inference.id, ...presentLine(entry), ...(call ? { inference: present(inference, call) } : {}) };
    return `event: ${name}\nid: ${id}\ndata: ${safeLines(writeJson(data))}\n\n`;
  });
}

/** How far an inference has come; without an id, since it is no line of the log. */
function progressEventOf(id: string, progress: Progress): string {
  return `event: progress\ndata: ${safeLines(writeJson({ inference_id: id, ...progressOf(progress) }))}\n\n`;
}

/** Where an inference stands in line; without an id, since it is no line of the log. */
function positionOf(inference: Inference, call: KeyCall): string {
  const { queue_position, waiting_on, estimated_start_at } = present(inference, call);
  return `event: position\ndata: ${writeJson({ inference_id: inference.id, queue_position, waiting_on, estimated_start_at })}\n\n`;
}

/** The last event that the client has; null if it has none. */
function lastOf({ request }: KeyCall, asked: string | undefined): string | null {
  return request.headers.get("last-event-id") || asked || null;
}

function accountEventOf(text: string): AfterEvent | null {
  const [, object, event] = /^(\d)\.([0-9a-f-]{36}\.\d{1,15})$/.exec(text) ?? [];
  if (event === undefined || Number(object) >= WATCH_OBJECTS_PER_ACCOUNT) return null;
  return { object: Number(object), event };
}

function noEvent(id: string, beginning: "at the beginning" | "with what happens from now on") {
  const detail = `Last-Event-ID or "after" must be the id of an event of this stream, and is ${shown(id)}. Leave it out to begin ${beginning}.`;
  return problem("bad_request", { detail });
}
