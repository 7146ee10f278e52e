/** Server-sent events (WHATWG HTML, 9.2.6) of any wire: their data need not be JSON, since OpenAI's ends with `[DONE]`. */

export interface StreamEvent {
  readonly event: string;
  readonly data: string;
}

/** The events of a body, as they come; lines that are no event's are left out. */
export async function* eventsOf(body: ReadableStream<Uint8Array<ArrayBuffer>> | null): AsyncGenerator<StreamEvent, void, undefined> {
  if (!body) return;
  let rest = "";
  let event = "message";
  let data: string[] = [];
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line.startsWith("event:")) event = line.slice(6).trim();
      else if (line.startsWith("data:")) data.push(line.slice(5).trimStart());
      else if (line === "") {
        if (data.length > 0) yield { event, data: data.join("\n") };
        event = "message";
        data = [];
      }
    }
  }
  if (data.length > 0) yield { event, data: data.join("\n") };
}

/** A piece of text as a wire's stream has it: a chunk of a chat or of a completion, or generated text. */
interface Piece {
  readonly choices?: readonly { readonly delta?: { readonly content?: string | null }; readonly text?: string }[];
  readonly text_output?: string;
  readonly error?: { readonly message?: string } | string;
}

/** What a stream's event says. Throws what the model failed of. */
export function textIn(data: string): string {
  if (data === "[DONE]") return "";
  const { choices, text_output, error } = JSON.parse(data) as Piece; // as each wire has it
  if (error) throw new Error(typeof error === "string" ? error : (error.message ?? "The model failed."));
  return choices?.[0]?.delta?.content ?? choices?.[0]?.text ?? text_output ?? "";
}
