/** Server-sent events (WHATWG HTML, 9.2.6), as far as the deployment sends them. */

export interface Event {
  /** `status`, `log`, `final`, `position`, `progress` or `reset`. */
  readonly event: string;
  /** Its place, to go on after; null if it has none. */
  readonly id: string | null;
  readonly data: Record<string, unknown>;
}

/** The events of a stream, as they come. */
export async function* eventsIn(stream: ReadableStream<Uint8Array>): AsyncGenerator<Event, void, undefined> {
  const reader = stream.getReader();
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += decoder.decode(value, { stream: true });
      const blocks = text.split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const event = eventOf(block);
        if (event) yield event;
      }
    }
  } finally {
    await reader.cancel();
  }
}

function eventOf(block: string): Event | null {
  const fields = new Map(block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]));
  const data = fields.get("data");
  if (data === undefined) return null; // a comment, or how long to wait
  return { event: fields.get("event") ?? "message", id: fields.get("id") ?? null, data: JSON.parse(data) as Record<string, unknown> }; // as the deployment writes it
}
