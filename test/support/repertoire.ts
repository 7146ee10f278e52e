/**
 * What a fake GPU server does when it is as unkind as real ones are: every way of answering by which real servers, and
 * what stands before them, have let their clients down, and what an inference comes to there. Whoever needs unkindness
 * draws from here: a new way is one row.
 */
import { type Behaviour, answer, cut, cutChunked, hang, notHttp, ok, reset, status, streams, wrongLength } from "./gpu.ts";
import { STREAMS } from "./streams.ts";

export type Speech = "openai" | "oip" | "http";

export interface Unkindness {
  readonly name: string;
  /** The protocols in which a server may answer so. */
  readonly speaks: readonly Speech[];
  readonly does: Behaviour;
  readonly comesTo: ComesTo;
}

/** What it comes to, at the first attempt that ends so. */
export type ComesTo =
  /** What is stored, at least: of a completion, its message. */
  | { readonly to: "success"; readonly stores: object }
  /** `again`: whether another attempt may follow. A code that ends in "_" stands for all that begin so. */
  | {
      readonly to: "failure";
      readonly code: string;
      readonly reason: string;
      readonly again: boolean;
      /** The connection breaks before anything is said, as one does that a server has closed: the first time does not count if it is ready. */
      readonly breaksAtOnce?: boolean;
      /** A tunnel says so while its server is away, so it is believed if the server's health is answered the same way. */
      readonly isTunnels?: boolean;
    };

type Row = readonly [does: Behaviour, comesTo: ComesTo];

const stores = (what: object): ComesTo => ({ to: "success", stores: what });
const fails = (code: string, reason: string, again: boolean) => ({ to: "failure" as const, code, reason, again });
const html = (code: number, text: string) => status(code, { "Content-Type": "text/html" }, text);
const tensor = (datatype: string, data: string) =>
  answer(`{"model_name":"m","outputs":[{"name":"y","shape":[2],"datatype":"${datatype}","data":${data}}]}`);

/** Answers that mean the same whatever was asked. */
const ANSWERS: Readonly<Record<string, Row>> = {
  // What is between us and the server answers in its place.
  "530, as Cloudflare while a tunnel is down": [
    html(530, "<html><title>1033</title></html>"),
    { ...fails("backend_error", "530", true), isTunnels: true },
  ],
  "500, as an input that it can't bear": [status(500), fails("backend_error", "500", true)],
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
  // Connections.
  "a connection that breaks before the answer": [reset, { ...fails("backend_", "", true), breaksAtOnce: true }],
  "a connection that breaks in the answer": [cut, fails("backend_cut", "broke off", true)],
  "a connection that breaks in an answer of unknown length": [cutChunked, fails("backend_cut", "broke off", true)],
  "an answer shorter than it says": [wrongLength(5), fails("backend_cut", "broke off", true)],
  "what is not HTTP": [notHttp, { ...fails("backend_", "", true), breaksAtOnce: true }],
  "no answer at all": [hang, fails("run_within_seconds", "1 s", true)],
};

/** Answers in which something else is expected. */
const ODD: Readonly<Record<string, Row>> = {
  "an error within a success": [
    answer({ error: { code: 400, message: "x is too long" } }),
    fails("backend_rejected", "x is too long", false),
  ],
  // Odd contents: the same input would give the same.
  "a page instead of an answer": [answer("<html>it works</html>"), fails("backend_garbage", "not valid", false)],
  "no outputs": [answer({ model_name: "m" }), fails("backend_garbage", "not valid", false)],
};

/** Tensors. */
const TENSORS: Readonly<Record<string, Row>> = {
  "a good one": [ok, stores({ x: [1.5] })],
  "a bare NaN": [tensor("FP32", "[NaN,-Infinity]"), stores({ y: ["NaN", "-Infinity"] })],
  "a null for NaN": [tensor("FP32", '[null,"NaN"]'), stores({ y: ["NaN", "NaN"] })],
  "truths as numbers": [tensor("BOOL", "[1,0]"), stores({ y: [true, false] })],
};

const rowsOf = (speaks: readonly Speech[], rows: Readonly<Record<string, Row>>) =>
  Object.entries(rows).map(([name, [does, comesTo]]): Unkindness => ({ name, speaks, does, comesTo }));

export const REPERTOIRE: readonly Unkindness[] = [
  ...rowsOf(["oip", "openai", "http"], ANSWERS),
  ...rowsOf(["oip", "openai"], ODD),
  ...rowsOf(["oip"], TENSORS),
  ...STREAMS.filter(({ speaks }) => speaks === "openai").map((form): Unkindness => ({
    name: `streams unasked: ${form.name}`,
    speaks: ["openai"],
    does: streams(form),
    comesTo:
      form.amounts.to === "whole"
        ? stores(form.amounts.message)
        : fails(form.amounts.code, form.amounts.reason, isAgain(form.amounts.code)),
  })),
];

/** What in an output is told by `stores`. */
export function storedIn(speaks: Speech, output: unknown): unknown {
  if (speaks !== "openai") return output;
  const { choices } = output as { choices?: { message?: unknown }[] }; // a completion, or the test fails
  return choices?.[0]?.message;
}

function isAgain(code: string): boolean {
  return code !== "backend_rejected" && code !== "backend_garbage";
}
