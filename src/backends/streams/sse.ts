/**
 * A backend's answer as server-sent events, given on while it comes. Only whole events go on, as many at once as came at
 * once: a client never sees half of one, wherever a backend breaks off, and another can follow. Their data goes on word
 * for word, in the one frame that every client reads; what holds no data stays here, since the decoders of some clients
 * take the blank line after it for an event. What the client does not take is not asked of the backend: at most the
 * event that is being read is held here.
 */
import { essenceOf } from "../../content/content.ts";
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

/** Asks for a stream and gives it on to the sink. `whole` judges an answer that is a refusal or no stream. */
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
    if (response.ok && isEventStream(response.headers) && response.body)
      return read(await relay(response.body, sink, reading, over, outside));
    const answer = await answerOf(response, outside, call);
    return answer.ok ? read(whole(answer.value)) : answer;
  });
}

/** Whether an answer says that it is a stream of events. */
export function isEventStream(headers: Headers): boolean {
  return essenceOf(headers.get("content-type") ?? "") === "text/event-stream";
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
