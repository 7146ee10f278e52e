/**
 * What a fake GPU server does when it is as unkind as real ones are: every way of answering by which real servers, and
 * what stands before them, have let their clients down, and what an inference comes to there. Whoever needs unkindness
 * draws from here: a new way is one row.
 */
import { type Behaviour, answer, cut, cutChunked, hang, notHttp, ok, reset, status, streams, wrongLength } from "./gpu.ts";
import { STREAMS } from "./streams.ts";

export interface Unkindness {
  readonly name: string;
  /** The protocol in which the server is asked. */
  readonly speaks: "openai" | "oip";
  readonly does: Behaviour;
  /** What it comes to, at the first attempt that ends so. */
  readonly comesTo: "succeeded" | { readonly code: string; readonly reason: string; readonly again: boolean };
}

const fails = (code: string, reason: string, again: boolean) => ({ code, reason, again });
const html = (code: number, text: string) => status(code, { "Content-Type": "text/html" }, text);

/** Answers to a request for tensors. */
const ANSWERS: Readonly<Record<string, readonly [does: Behaviour, comesTo: Unkindness["comesTo"]]>> = {
  "a good one": [ok, "succeeded"],
  // What is between us and the server answers in its place.
  "530, as Cloudflare while a tunnel is down": [html(530, "<html><title>1033</title></html>"), fails("backend_error", "530", true)],
  "520 of a proxy": [html(520, "<html></html>"), fails("backend_error", "520", true)],
  "507": [status(507), fails("backend_error", "507", true)],
  "598 of a proxy": [status(598, {}, ""), fails("backend_error", "598", true)],
  "502 of a proxy": [
    html(502, "<html><head><title>502 Bad Gateway</title></head></html>"),
    fails("backend_error", "502 Bad Gateway", true),
  ],
  "504 of a proxy": [html(504, "upstream request timeout"), fails("backend_timeout", "504", true)],
  "503 with Retry-After": [status(503, { "Retry-After": "1" }), fails("backend_unavailable", "503", true)],
  "409, not now": [status(409), fails("backend_busy", "409", true)],
  "423, not now": [status(423), fails("backend_busy", "423", true)],
  "425, not now": [status(425), fails("backend_busy", "425", true)],
  "429, not now": [status(429), fails("backend_busy", "429", true)],
  "501, never": [status(501), fails("backend_error", "501", false)],
  "404 of a wrong address": [status(404), fails("backend_misconfigured", "404", false)],
  // Reasons in every form.
  "the reason of FastAPI": [
    status(422, {}, '{"detail":[{"type":"missing","loc":["body","prompt"],"msg":"Field required"}]}'),
    fails("backend_rejected", "body.prompt: Field required", false),
  ],
  "the reason of TorchServe": [
    status(400, {}, '{"code":400,"type":"BadRequestException","message":"no such worker"}'),
    fails("backend_rejected", "no such worker", false),
  ],
  "the reason as text": [status(400, { "Content-Type": "text/plain" }, "x is too long"), fails("backend_rejected", "x is too long", false)],
  "the reason in a list": [status(400, {}, '{"errors":[{"message":"x is too long"}]}'), fails("backend_rejected", "x is too long", false)],
  "an error within a success": [
    answer({ error: { code: 400, message: "x is too long" } }),
    fails("backend_rejected", "x is too long", false),
  ],
  // Odd contents: the same input would give the same.
  "a page instead of an answer": [answer("<html>it works</html>"), fails("backend_garbage", "not valid", false)],
  "no outputs": [answer({ model_name: "m" }), fails("backend_garbage", "not valid", false)],
  "a bare NaN": [answer('{"model_name":"m","outputs":[{"name":"y","shape":[2],"datatype":"FP32","data":[NaN,-Infinity]}]}'), "succeeded"],
  "a null for NaN": [answer('{"model_name":"m","outputs":[{"name":"y","shape":[2],"datatype":"FP32","data":[null,"NaN"]}]}'), "succeeded"],
  "truths as numbers": [answer('{"model_name":"m","outputs":[{"name":"y","shape":[2],"datatype":"BOOL","data":[1,0]}]}'), "succeeded"],
  // Connections.
  "a connection that breaks before the answer": [reset, fails("backend_", "", true)],
  "a connection that breaks in the answer": [cut, fails("backend_cut", "broke off", true)],
  "a connection that breaks in an answer of unknown length": [cutChunked, fails("backend_cut", "broke off", true)],
  "an answer shorter than it says": [wrongLength(5), fails("backend_cut", "broke off", true)],
  "what is not HTTP": [notHttp, fails("backend_", "", true)],
  "no answer at all": [hang, fails("run_within_seconds", "1 s", true)],
};

export const REPERTOIRE: readonly Unkindness[] = [
  ...Object.entries(ANSWERS).map(([name, [does, comesTo]]): Unkindness => ({ name, speaks: "oip", does, comesTo })),
  ...STREAMS.filter(({ speaks }) => speaks === "openai").map((form): Unkindness => ({
    name: `streams unasked: ${form.name}`,
    speaks: "openai",
    does: streams(form),
    comesTo: form.amounts.to === "whole" ? "succeeded" : { ...form.amounts, again: isAgain(form.amounts.code) },
  })),
];

function isAgain(code: string): boolean {
  return code !== "backend_rejected" && code !== "backend_garbage";
}
