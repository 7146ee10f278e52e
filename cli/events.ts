/** Server-sent events out of a body, as the HTML standard reads them. */

export interface ServerSentEvent {
  readonly type: string;
  readonly id: string | null;
  readonly data: string;
}

export async function* eventsIn(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder();
  let left = "";
  let id: string | null = null;
  let type = "message";
  let data: string[] = [];
  for await (const chunk of body) {
    const lines = (left + decoder.decode(chunk, { stream: true })).split(/\r\n|\n|\r(?!$)/);
    left = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        if (data.length > 0) yield { type, id, data: data.join("\n") };
        [type, data] = ["message", []];
        continue;
      }
      const colon = line.indexOf(":");
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (name === "data") data.push(value);
      else if (name === "id") id = value;
      else if (name === "event") type = value;
    }
  }
}
