/**
 * Any server that takes JSON by POST at one URL and answers with JSON or bytes: a Truss `/predict`, a
 * function. The input goes as it came and the answer comes back as it is, with its content type, of any
 * size: what is not small goes into the bucket while it comes. JSON is looked at, and refused where it is none, up to the
 * size that may be parsed at all. Of a multipart answer the first part of JSON is the output, and each other one an
 * object of its own beside it; so are the fields of JSON that the model's setting says are files. A chat that such a server
 * answers with a stream is put together, since the stream may say that it failed.
 * Such a server has no health address that we could know; unless its `ready_path` says one, it counts as ready as soon as it
 * answers a GET of its URL with a status that leaves it possible that a POST there works.
 */
import { JSON_TYPE, firstType, isJson } from "../content/content.ts";
import { jsonTextIn } from "../encoding/charset.ts";
import { parseTolerantly, writeJson } from "../encoding/json.ts";
import { type Result, faulty, read } from "../encoding/result.ts";
import { BACKEND_ANSWER_BYTES, INLINE_BYTES } from "../limits.ts";
import { itemsIn } from "../tensors/plain.ts";
import { isObject } from "../tensors/tensor.ts";
import { type BackendCall, type Protocol, type TakenIn, answerOf, connect, exchange, inputText, parsed, readinessIn } from "./backend.ts";
import { failing, findingOf, garbage, refusal } from "./judgement.ts";
import { canStream, isAddress, serverPathOf } from "./openai-paths.ts";
import { outcomeOfChat } from "./openai.ts";
import type { Outcome } from "./outcome.ts";
import { isEventStream } from "./streams/sse.ts";

/** What a GET is answered where there is no such path. */
const NOTHING_THERE: ReadonlySet<number> = new Set([404, 410]);
/** What it is answered where our credential is missing or wrong. 403 is not among them: some gateways say so of every GET. */
const NOT_FOR_US: ReadonlySet<number> = new Set([401, 407]);

/** Statuses of answers that have no body, whatever their heads say of one (RFC 9110, 15.3.5 and 15.3.6). */
const NO_CONTENT: ReadonlySet<number> = new Set([204, 205]);
const EMPTY = { body: new Uint8Array(), contentType: "application/octet-stream", items: 1 } as const;

const NOT_JSON = "what is said to be JSON is none";

/** Of a multipart answer: its JSON is the output; if it has none, a list of its parts is. */
async function partsOutcome({ json, parts, discard }: Extract<TakenIn, { kind: "parts" }>): Promise<Outcome> {
  const listed = parts.map(({ name, contentType, bytes }) => ({ name, content_type: contentType, bytes }));
  const known = json === null ? null : parseTolerantly(new TextDecoder().decode(json));
  if (known && !known.ok) {
    await discard();
    return garbage(NOT_JSON);
  }
  const body = known ? known.value.text : writeJson({ parts: listed });
  return { kind: "done", output: { body, contentType: JSON_TYPE, items: known ? itemsIn(known.value.value) : parts.length, parts } };
}

async function outcomeOf(contentType: string, taken: TakenIn): Promise<Outcome> {
  if (taken.kind === "parts") return partsOutcome(taken);
  if (taken.kind === "kept") return { kind: "kept", kept: taken.kept, items: 1 };
  if (!isJson(contentType)) return { kind: "done", output: { body: taken.bytes, contentType, items: 1 } };
  const known = parseTolerantly(jsonTextIn(taken.bytes, contentType));
  if (!known.ok) return garbage(NOT_JSON);
  // The text goes on in UTF-8, whatever it came in.
  const type = contentType.replace(/;\s*charset=(?!"?utf-?8\b)(?:"[^"]*"|[^;\s]*)/i, "");
  return { kind: "done", output: { body: known.value.text, contentType: type, items: itemsIn(known.value.value) } };
}

/**
 * Where a path of the server is. What its URL has before its version, or else before its last segment, is where the server
 * begins, so that no client comes to what stands beside it.
 */
function urlOf({ backend, capability }: BackendCall): string {
  const path = serverPathOf(capability);
  if (path === null) return backend.url;
  const url = new URL(backend.url);
  url.pathname = url.pathname.replace(/\/v\d+(?:\/.*)?$|\/[^/]*$/, "") + path;
  return url.href;
}

/** The input as it came; a `model` in it that is an address gives way to the one that the call's path names. */
function sentText({ backend, capability, input }: BackendCall): string {
  const text = inputText(input);
  if (serverPathOf(capability) === null || !/"model"\s*:\s*"https?:/i.test(text)) return text;
  const body = parsed(text);
  const isNamed = isObject(body) && typeof body["model"] === "string" && isAddress(body["model"]);
  return isNamed ? writeJson({ ...body, model: backend.remoteModel }) : text;
}

export const http: Protocol = {
  async infer(call, outside): Promise<Outcome> {
    const headers = { "Content-Type": JSON_TYPE, Accept: "*/*" };
    const question = { method: "POST", headers, body: sentText(call) };
    const answered = await connect(outside, urlOf(call), question, call, async (response, over): Promise<Result<Outcome, Outcome>> => {
      if (findingOf(response.status) !== null) {
        const answer = await answerOf(response, outside, call);
        return answer.ok ? faulty(refusal(answer.value) ?? failing("error", "The backend answered an error.")) : answer;
      }
      if (NO_CONTENT.has(response.status)) return read({ kind: "done", output: EMPTY });
      const contentType = firstType(response.headers.get("content-type") ?? "") || "application/octet-stream";
      const isChat = canStream(call.capability) && isEventStream(response.headers);
      const taken = await call.takeIn(response, isJson(contentType) || isChat ? BACKEND_ANSWER_BYTES : INLINE_BYTES, over);
      if (!taken.ok) return faulty(garbage(taken.fault));
      if (isChat && taken.value.kind === "bytes") return read(outcomeOfChat(taken.value.bytes, call));
      return read(await outcomeOf(contentType, taken.value));
    });
    return answered.ok ? answered.value : answered.fault;
  },

  async ready({ backend, ...bounds }, outside) {
    const asked = await exchange(outside, backend.url, { method: "GET", headers: {} }, bounds);
    if (!asked.ok) return readinessIn(asked.fault);
    const { status } = asked.value;
    if (NOTHING_THERE.has(status)) {
      const detail = `GET ${new URL(backend.url).pathname} answered ${status}: nothing is there. Set url to the path that takes the input; if that knows POST alone, set ready_path to one that answers GET.`;
      return { ready: false, reached: true, detail };
    }
    // From 502 on it is a proxy that answers, or a server that says "not now".
    const isReady = status <= 501 && !NOT_FOR_US.has(status);
    return readinessIn(isReady ? null : refusal(asked.value));
  },

  async describe() {
    return null;
  },
};
