/**
 * Text generation by a server of the Open Inference Protocol, whole and streamed. A stream's events are pieces of text
 * and nothing says that one is the last, so the end of the body is the end. Beside Triton's events those of Hugging
 * Face's TGI are read, whose pieces are tokens.
 * Source: kserve/open-inference-protocol, specification/protocol/generate_rest.yaml.
 */
import { JSON_TYPE } from "../content/content.ts";
import { writeJson } from "../encoding/json.ts";
import { BACKEND_ANSWER_BYTES } from "../limits.ts";
import { isObject } from "../tensors/tensor.ts";
import { type Answer, type BackendCall, type Outside, type Sink, exchange, inputText, jsonOf, textOf } from "./backend.ts";
import { failing, garbage, oversized, refusal, refusedInside } from "./judgement.ts";
import { type Generate, type Generated, NOT_GENERATE, eventOf, generateInput, generatedBy, isGenerated } from "./generate.ts";
import type { Outcome } from "./outcome.ts";
import { type Reading, stream } from "./streams/sse.ts";
import { type Members, type SaidFailure, failureIn } from "./streams/stream-events.ts";

/** `url` is the model's. */
export async function generate(call: BackendCall, outside: Outside, url: string): Promise<Outcome> {
  if (!generateInput(call)) return NOT_GENERATE;
  const headers = { "Content-Type": JSON_TYPE, Accept: JSON_TYPE };
  const question = { method: "POST", headers, body: inputText(call.input) };
  const exchanged = await exchange(outside, `${url}/generate`, question, call);
  return exchanged.ok ? generatedIn(exchanged.value, call) : exchanged.fault;
}

export async function generateStream(call: BackendCall, outside: Outside, sink: Sink, url: string): Promise<Outcome> {
  const asked = generateInput(call);
  if (!asked) return NOT_GENERATE;
  // What is compressed on its way comes in blocks, not token by token.
  const headers = { "Content-Type": JSON_TYPE, Accept: "text/event-stream", "Accept-Encoding": "identity" };
  const question = { method: "POST", headers, body: inputText(call.input) };
  const streamed = await stream(outside, `${url}/generate_stream`, question, call, sink, new TextReading(call, asked), (answer) =>
    generatedIn(answer, call),
  );
  return streamed.ok ? streamed.value : streamed.fault;
}

function generatedIn(answer: Answer, call: BackendCall): Outcome {
  const value = jsonOf(answer);
  const refused = refusal(answer);
  if (refused) return refused;
  const failure = failureIn(value);
  if (failure) return modelFailed(failure, call);
  if (!isGenerated(value)) return garbage("no text_output");
  return { kind: "done", output: { body: textOf(answer), contentType: JSON_TYPE, items: 1 } };
}

/** A failure that an answer of success speaks of. Without a status it is the model's: Triton says so what a model threw. */
function modelFailed(failure: SaidFailure, call: BackendCall): Outcome {
  if (failure.status !== null) return refusedInside(failure, call.identity);
  const reason = failure.reason === null ? "." : `: ${call.identity.conceal(failure.reason)}`;
  return failing("modelFailed", `The model failed${reason}`);
}

/** A stream of generated text: gives its events our model's name, and keeps what they amount to together. */
class TextReading implements Reading {
  readonly #call: BackendCall;
  readonly #asked: Generate;
  readonly #tokens: unknown[] = [];
  #text = "";
  #characters = 0;
  #last: Generated | null = null;

  constructor(call: BackendCall, asked: Generate) {
    this.#call = call;
    this.#asked = asked;
  }

  take(part: Members, data: string): string | Outcome {
    const piece = pieceIn(part);
    if (!piece) return garbage("an event without text_output");
    this.#characters += data.length;
    if (this.#characters > BACKEND_ANSWER_BYTES) return oversized();
    this.#text += piece.text_output;
    this.#last = piece;
    const { details } = piece;
    if (isObject(details) && details["token"] !== undefined) this.#tokens.push(details["token"]);
    const { id: _, ...shown } = piece; // the server's; its client knows only its own
    return eventOf(generatedBy({ ...this.#asked.named, ...shown }, this.#call));
  }

  failed(failure: SaidFailure): Outcome {
    return modelFailed(failure, this.#call);
  }

  /** The whole, as `generate` would have answered it. */
  ended(): Outcome {
    if (!this.#last) return garbage("a stream without an event");
    const { details, ...last } = this.#last;
    const all = isObject(details) ? { details: { finish_reason: details["finish_reason"], logprobs: this.#tokens } } : {};
    const body = writeJson(generatedBy({ ...last, text_output: this.#text, ...all }, this.#call));
    return { kind: "done", output: { body, contentType: JSON_TYPE, items: 1 } };
  }
}

/** The piece of text that an event brings: Triton's, or a token of TGI's; null if it brings none. An `error` in it says nothing. */
function pieceIn(event: Members): Generated | null {
  const { error: _, ...part } = event;
  if (isGenerated(part)) return part;
  const { token, details } = part;
  if (!isObject(token) || typeof token["text"] !== "string") return null;
  const finish = isObject(details) ? { finish_reason: details["finish_reason"] } : {};
  return { text_output: token["special"] === true ? "" : token["text"], details: { ...finish, token } };
}
