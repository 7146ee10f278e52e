/**
 * A backend's answer as server-sent events, given on while it comes. Only whole events go on, as many at once as came at
 * once: a client never sees half of one, wherever a backend breaks off, and another can follow. Their data goes on word
 * for word, in the one frame that every client reads; what holds no data stays here, since the decoders of some clients
 * take the blank line after it for an event. What the client does not take is not asked of the backend: at most the
 * event that is being read is held here.
 */
import { essenceOf, isJson } from "../../content/content.ts";
import { BACKEND_ANSWER_BYTES, STREAM_LINGER_MS } from "../../limits.ts";
import type { Outcome } from "../outcome.ts";
import { type Result, read } from "../../encoding/result.ts";
import { BrokenOff } from "../../encoding/streams.ts";
import { type Answer, type BackendCall, type Outside, type Question, type Sink, answerOf, connect } from "../backend.ts";
import { cutOff, garbage, oversized } from "../judgement.ts";
import { type Members, type SaidFailure, meaningsOf } from "./stream-events.ts";
import { EventReader, type ServerEvent } from "./event-reader.ts";

/** What a protocol makes of the parts of an answer. */
export interface Reading {
  /** Takes in a part, and says what goes on of it: a text, "" for nothing, or the outcome that ends the stream here. */
  take(part: Members, data: string): string | Outcome;
  /** The outcome of a failure that is said in the stream. */
  failed(failure: SaidFailure): Outcome;
  /** The outcome when nothing more comes; `isDone` if the server said that it has said all. */
  ended(isDone: boolean): Outcome;
}

/**
 * Asks for a stream and gives it on to the sink. `whole` judges an answer that is a refusal or no stream. Some servers stream
 * and call it bytes or text, such as that of a Truss, so the beginning of such an answer tells what it is.
 */
export async function stream(
  outside: Outside,
  url: string,
  question: Question,
  call: BackendCall,
  sink: Sink,
  reading: Reading,
  whole: (answer: Answer) => Outcome,
): Promise<Result<Outcome, Outcome>> {
  return connect<Outcome>(outside, url, question, call, async (response, over) => {
    const { ok, status, headers, body } = response;
    if (ok && body && isEventStream(headers)) return read(await relay(body, sink, reading, over, outside));
    if (!ok || !body || isJson(headers.get("content-type") ?? "")) return wholeOf(response);
    const { isStream, all } = await begun(body, over);
    return isStream ? read(await relay(all, sink, reading, over, outside)) : wholeOf(new Response(all, { status, headers }));
  });

  async function wholeOf(response: Response): Promise<Result<Outcome, Outcome>> {
    const answer = await answerOf(response, outside, call);
    return answer.ok ? read(whole(answer.value)) : answer;
  }
}

/** Whether an answer says that it is a stream of events. */
export function isEventStream(headers: Headers): boolean {
  return essenceOf(headers.get("content-type") ?? "") === "text/event-stream";
}

/** Whether a text begins as a stream of events does, whatever its type says. */
export function beginsAsStream(text: string): boolean {
  return /^\ufeff?\s*(?:data|event|id|retry)?:/.test(text);
}

/** So many characters tell whether a body is a stream of events; blank lines before them are no sign of either, up to a bound. */
const TELLING_CHARACTERS = 8;
const BLANK_CHARACTERS = 256;

/** Reads the beginning of a body: whether it is a stream of events, and all of the body. Throws as `relay` does. */
async function begun(body: ReadableStream<Uint8Array>, over: AbortSignal): Promise<{ isStream: boolean; all: ReadableStream<Uint8Array> }> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const taken: Uint8Array[] = [];
  let text = "";
  let isOver = false;
  try {
    while (!isOver && !beginsAsStream(text) && text.trimStart().length < TELLING_CHARACTERS && text.length < BLANK_CHARACTERS) {
      const { done, value } = await within(reader.read(), over);
      isOver = done;
      if (value) taken.push(value);
      text += decoder.decode(value, { stream: true });
    }
  } catch (error) {
    reader.cancel().catch(() => undefined); // may have failed by itself
    throw error;
  }
  const all = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const known = taken.shift();
      const { done, value } = known ? { done: false, value: known } : await reader.read();
      if (value) controller.enqueue(value);
      if (done) controller.close();
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return { isStream: beginsAsStream(text), all };
}

/** Reads to the end. Throws when either side is gone or it is over. */
async function relay(
  body: ReadableStream<Uint8Array>,
  sink: Sink,
  reading: Reading,
  over: AbortSignal,
  { clock }: Outside,
): Promise<Outcome> {
  const reader = body.getReader();
  const events = new EventReader();
  let lingers = false;
  try {
    for (;;) {
      const { done, value } = await within(reader.read(), over);
      const { text, outcome } = done ? readRest(events, reading) : readEvents(events.of(value), reading);
      if (text !== "") await within(sink.write(new TextEncoder().encode(text)), over);
      if (outcome) {
        lingers = !done;
        return outcome;
      }
      if (done) return reading.ended(false);
      if (events.heldCharacters > BACKEND_ANSWER_BYTES) return oversized();
    }
  } finally {
    if (lingers) void leave(reader, clock.timeout(STREAM_LINGER_MS));
    else reader.cancel().catch(() => undefined); // may have ended or failed by itself
  }
}

/** The outcome of a stream that came whole, such as that of a server that answers nothing else. */
export function outcomeOfEvents(bytes: Uint8Array, reading: Reading): Outcome {
  const events = new EventReader();
  return readEvents(events.of(bytes), reading).outcome ?? readRest(events, reading).outcome ?? reading.ended(false);
}

interface Read {
  /** What goes on. */
  readonly text: string;
  /** If one of the events ends the stream. */
  readonly outcome: Outcome | null;
}

/** Reads what came of an event that nothing ended: what can't be read of it has broken off. */
function readRest(events: EventReader, reading: Reading): Read {
  return readEvents(events.rest(), reading, cutOff());
}

function readEvents(events: Iterable<ServerEvent>, reading: Reading, odd = garbage("an event that is not a JSON object")): Read {
  let text = "";
  for (const event of events) {
    for (const meaning of meaningsOf(event)) {
      switch (meaning.kind) {
        case "nothing":
          break;
        case "done":
          return { text, outcome: reading.ended(true) };
        case "failure":
          return { text, outcome: reading.failed(meaning.failure) };
        case "garbage":
          return { text, outcome: odd };
        case "part": {
          const taken = reading.take(meaning.part, meaning.data);
          if (typeof taken !== "string") return { text, outcome: taken };
          text += taken;
          break;
        }
        default:
          return meaning satisfies never;
      }
    }
  }
  return { text, outcome: null };
}

/** Reads what little is left of a body that is as good as over, so that its connection can serve again; cuts what is not over. */
async function leave(reader: ReadableStreamDefaultReader<Uint8Array>, over: AbortSignal): Promise<void> {
  try {
    while (!(await within(reader.read(), over)).done);
  } catch (error) {
    await reader.cancel(error).catch(() => undefined); // has failed by itself
  }
}

/** As the work does, but not beyond the signal: then it throws. */
function within<T>(work: Promise<T>, over: AbortSignal): Promise<T> {
  if (over.aborted) return Promise.reject(new Error("over"));
  return new Promise((resolve, reject) => {
    const stop = () => reject(new Error("over"));
    over.addEventListener("abort", stop, { once: true });
    work.then(resolve, (error: unknown) => reject(new BrokenOff(error))).finally(() => over.removeEventListener("abort", stop));
  });
}
