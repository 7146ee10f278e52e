/** Server-sent events (WHATWG HTML, 9.2.6) out of a body. */

export interface Event {
  /** `status`, `log`, `final`, `position`, `progress` or `reset`; of a stream `message`, `restart`, `final` or `end`. */
  readonly event: string;
  /** Its place, to go on after; null if it has none. */
  readonly id: string | null;
  readonly data: Record<string, unknown>;
}

/** Nothing at all came of a stream: something between holds it back. */
export class Silence extends Error {}

/** The deployment sends its first line at once, and something each 15 s. */
const FIRST_LINE_MS = 10_000;
const SILENCE_MS = 45_000;

/**
 * The events of a stream, as they come. Throws if nothing comes for so long that the connection must be dead. `stands` is told of an id
 * without an event: the stream can be gone on with after it.
 */
export async function* eventsIn(
  stream: ReadableStream<Uint8Array>,
  signal?: AbortSignal,
  stands: (id: string) => void = () => {},
): AsyncGenerator<Event, void, undefined> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  const leave = () => void reader.cancel().catch(() => {}); // of a stream that may be cut already
  signal?.addEventListener("abort", leave);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let silence: Error = new Silence(`no event came for ${FIRST_LINE_MS / 1000} s`);
  let text = "";
  try {
    for (let longestMs = FIRST_LINE_MS; ; longestMs = SILENCE_MS) {
      const silent = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(silence), longestMs)));
      const { done, value } = await Promise.race([reader.read(), silent]);
      clearTimeout(timer);
      if (done) return;
      silence = new Error(`no event came for ${SILENCE_MS / 1000} s`);
      const blocks = (text + decoder.decode(value, { stream: true })).split(/\n\n|\r\n\r\n/);
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const event = eventOf(block);
        if (event) yield event;
        else for (const [, id = ""] of block.matchAll(/^id: (.*)$/gm)) stands(id);
      }
    }
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", leave);
    leave();
  }
}

/** What a chat's stream ends with, which is no JSON. */
const DONE = "[DONE]";

const valueOf = (text: string) => (text === DONE ? {} : JSON.parse(text)) as Record<string, unknown>; // as the deployment writes it

function eventOf(block: string): Event | null {
  const fields = new Map<string, string>();
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const [, name = "", value = ""] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
    if (name === "data") data.push(value);
    else fields.set(name, value);
  }
  if (data.length === 0) return null; // a comment, or how long to wait
  return {
    event: fields.get("event") ?? "message",
    id: fields.get("id") ?? null,
    data: valueOf(data.join("\n")),
  };
}
