/** `stream`: the output of an inference as it comes, or from a place in it. */
import type { Event, Inference } from "../client/typescript/client.ts";
import type { Api } from "./api.ts";
import { CommandError, EXIT } from "./errors.ts";
import { notSucceeded } from "./inferences.ts";
import { printValue, printable } from "./print.ts";

/**
 * Prints the text of a stream, from its beginning or after an event; the client comes back by itself where the connection is lost. With
 * `--json` each event is printed.
 */
export async function stream({ client, output, signal }: Api, id: string, after: string | undefined): Promise<void> {
  let last = after;
  let said = "";
  let failure: CommandError | null = null;
  const say = (text: string) => {
    if (text !== "") said = text;
    output.write(text);
  };
  const endLine = () => (output.json || said === "" || said.endsWith("\n") ? undefined : say("\n"));
  try {
    for await (const event of client.stream(id, { signal, ...(after !== undefined && { after }) })) {
      last = event.id ?? last;
      if (output.json) printValue(output, event);
      failure = failureIn(id, event) ?? failure;
      if (output.json) continue;
      if (event.event === "restart") {
        endLine();
        output.note(`Attempt ${printable(String(event.data["attempt"]))} begins the output again; what came before is void.`);
      } else if (event.event === "message") say(textIn(event.data));
      else if (event.event === "final" && said === "" && after === undefined) wholeIn(event);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    endLine();
    const place = last === undefined ? "" : ` --after ${last}`;
    throw new CommandError(`Interrupted. The inference goes on; to read on: claimcheck stream ${id}${place}`, EXIT.interrupted);
  }
  endLine();
  if (failure) throw failure;

  /** The output of a backend that did not stream, which the last event has. */
  function wholeIn({ data }: Event): void {
    const { output: whole } = data["inference"] as Inference; // as the deployment writes it
    if (whole !== null && whole !== undefined) printValue(output, whole);
  }
}

/** The text that an event brings: of a chat, of a completion, or of generated text. */
function textIn({ choices, text_output: generated }: Event["data"]): string {
  if (typeof generated === "string") return generated;
  const [first] = Array.isArray(choices) ? (choices as readonly { text?: unknown; delta?: { content?: unknown } }[]) : []; // as its wire has it
  const text = first?.delta?.content ?? first?.text;
  return typeof text === "string" ? text : "";
}

/** What an event says went wrong: its inference has ended otherwise, or its wire ends it with an error. */
function failureIn(id: string, { event, data: { error, inference } }: Event): CommandError | null {
  if (event === "final") {
    const it = inference as Inference; // as the deployment writes it
    return it.status === "succeeded" ? null : notSucceeded(it);
  }
  if (error === undefined || error === null) return null;
  const message = typeof error === "object" && "message" in error ? error.message : error;
  return new CommandError(`${id}: ${printable(typeof message === "string" ? message : JSON.stringify(message))}`, EXIT.failed);
}
