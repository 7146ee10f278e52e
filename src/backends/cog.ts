/**
 * Client of Cog's HTTP server: `PUT /predictions/{id}` with the input, the inference's id as that of the prediction, so that a
 * double of a call that still runs is not run beside it. What counts is a prediction's `status`: Cog answers
 * a failed one with 200. The `output` is the result. Fields that are to be files are named as Cog has them in its
 * answer: `output`, or `output.mask`; Cog gives them as data URLs.
 * A call that is let go of, or that takes too long, is canceled by its id, since older servers don't notice that the caller
 * has hung up.
 * Source: replicate/cog, docs/http.md; what 0.23.1 says beyond that was seen by `npm run field`.
 */
import { JSON_TYPE } from "../content/content.ts";
import { writeJson, parseTolerantly } from "../encoding/json.ts";
import { type Result, faulty, read } from "../encoding/result.ts";
import { CANCEL_CALL_MS } from "../limits.ts";
import { isObject } from "../tensors/tensor.ts";
import { itemsIn } from "../tensors/plain.ts";
import {
  type BackendCall,
  type Protocol,
  type TakenIn,
  answerOf,
  connect,
  exchange,
  inputText,
  jsonOf,
  parsed,
  readinessIn,
} from "./backend.ts";
import { failing, findingOf, garbage, refusal, unsendable } from "./judgement.ts";
import type { Outcome } from "./outcome.ts";
import { reasonIn } from "./reason.ts";

const JSON_HEADERS = { "Content-Type": JSON_TYPE, Accept: JSON_TYPE };

/** States of a server's health in which it takes predictions, or would if it were not full. */
const READY = new Set(["READY", "BUSY"]);

export const cog: Protocol = {
  async infer(call, outside): Promise<Outcome> {
    if (call.capability.includes("/"))
      return unsendable("path_not_served", `A Cog server has no path "${call.capability}"; ask for "predict".`);
    const input = parsed(inputText(call.input));
    if (!isObject(input))
      return unsendable("input_not_object", "The input of a Cog model must be an object, with a member for each of its inputs.");
    const url = predictionUrl(call.backend.url, call.attempt.inferenceId);
    const question = { method: "PUT", headers: JSON_HEADERS, body: `{"input":${inputText(call.input)}}` };
    const answered = await connect(outside, url, question, call, async (response, over): Promise<Result<Outcome, Outcome>> => {
      if (call.extract === null || findingOf(response.status) !== null) {
        const answer = await answerOf(response, outside, call);
        if (!answer.ok) return answer;
        return read(refusal(answer.value) ?? (await outcomeOf({ kind: "bytes", bytes: answer.value.bytes }, call)));
      }
      const taken = await call.takeIn(response, 0, over);
      return taken.ok ? read(await outcomeOf(taken.value, call)) : faulty(garbage(taken.fault));
    });
    const outcome = answered.ok ? answered.value : answered.fault;
    const isLeft = outcome.kind === "abandoned" || (outcome.kind === "retry" && outcome.error.code === "run_within_seconds");
    if (isLeft) await cog.stop?.({ ...call, inferenceId: call.attempt.inferenceId }, outside);
    return outcome;
  },

  /** Cog takes a cancel while the prediction runs, and answers 404 as soon as it has ended. */
  async stop({ backend, inferenceId, identity }, outside) {
    const url = `${predictionUrl(backend.url, inferenceId)}/cancel`;
    const sent = await exchange(outside, url, { method: "POST", headers: JSON_HEADERS }, { timeoutMs: CANCEL_CALL_MS, identity });
    if (!sent.ok) return "unknown";
    if (sent.value.status === 404) return "gone";
    return findingOf(sent.value.status) === null ? "stopping" : "unknown";
  },

  async ready({ backend, ...bounds }, outside) {
    const asked = await exchange(outside, `${baseOf(backend.url)}/health-check`, { method: "GET", headers: JSON_HEADERS }, bounds);
    if (!asked.ok) return readinessIn(asked.fault);
    const refused = refusal(asked.value);
    if (refused) return readinessIn(refused);
    const health = jsonOf(asked.value);
    const status = isObject(health) ? health["status"] : null;
    if (typeof status !== "string") return { ready: false, reached: true, detail: "The server's /health-check is not that of Cog." };
    return { ready: READY.has(status), reached: true, detail: READY.has(status) ? null : `The server says that it is ${status}.` };
  },

  /** The schemas of its input and output. */
  async describe({ backend, ...bounds }, outside) {
    const asked = await exchange(outside, `${baseOf(backend.url)}/openapi.json`, { method: "GET", headers: JSON_HEADERS }, bounds);
    const value = asked.ok && asked.value.status === 200 ? jsonOf(asked.value) : null;
    const components = isObject(value) ? value["components"] : null;
    const schemas = isObject(components) ? components["schemas"] : null;
    return isObject(schemas) ? { input: standingAlone(schemas, "Input"), output: standingAlone(schemas, "Output") } : null;
  },
};

/** Of a document's schemas, one with those that it refers to in it; null if there is none of that name. */
function standingAlone(schemas: Readonly<Record<string, unknown>>, name: string): unknown {
  const schema = schemas[name];
  if (!isObject(schema)) return null;
  const needed = new Map<string, unknown>();
  const withOwnRefs = (value: unknown): unknown => {
    const text = writeJson(value).replaceAll('"#/components/schemas/', '"#/$defs/');
    for (const [, other = ""] of text.matchAll(/"#\/\$defs\/([^"/]+)"/g)) {
      if (needed.has(other) || !Object.hasOwn(schemas, other)) continue;
      needed.set(other, null); // it may refer to itself
      needed.set(other, withOwnRefs(schemas[other]));
    }
    return JSON.parse(text);
  };
  const own = withOwnRefs(schema) as Readonly<Record<string, unknown>>; // written from an object
  return needed.size === 0 ? own : { ...own, $defs: Object.fromEntries(needed) };
}

/** What a prediction has come to; the objects beside it are of no use where it has not succeeded. */
async function outcomeOf(taken: TakenIn, call: BackendCall): Promise<Outcome> {
  if (taken.kind === "kept") return garbage("it is not JSON");
  const bytes = taken.kind === "bytes" ? taken.bytes : taken.json;
  const known = bytes === null ? null : parseTolerantly(new TextDecoder().decode(bytes));
  const prediction = known?.ok && isObject(known.value.value) ? known.value.value : null;
  const failure = prediction ? failureIn(prediction, call) : garbage("it is not a prediction");
  if (failure || !prediction) {
    if (taken.kind === "parts") await taken.discard();
    return failure ?? garbage("it is not a prediction");
  }
  const { output = null } = prediction;
  const beside = taken.kind === "parts" ? { parts: taken.parts } : {};
  return { kind: "done", output: { body: writeJson(output), contentType: JSON_TYPE, items: itemsIn(output), ...beside } };
}

/** What a prediction's status means; null for a success. */
function failureIn(prediction: Readonly<Record<string, unknown>>, { identity }: BackendCall): Outcome | null {
  const { status, error } = prediction;
  switch (status) {
    case "succeeded":
      return null;
    case "failed": {
      const reason = reasonIn(error)?.replace(/^(?:Prediction failed: )+/, "");
      return failing("modelFailed", reason ? `The model failed: ${identity.conceal(reason)}` : "The model failed.");
    }
    case "canceled":
      return failing("canceled", "The backend canceled the prediction.");
    case "starting":
    case "processing":
      return failing("busy", "The backend still runs this prediction for an attempt before.");
    default:
      return garbage("its status is none of Cog's");
  }
}

/** An address that was registered with the path that every prediction begins with. */
function baseOf(url: string): string {
  return url.replace(/\/predictions$/, "");
}

function predictionUrl(url: string, id: string): string {
  return `${baseOf(url)}/predictions/${encodeURIComponent(id)}`;
}
