/** What an inference was given and what came of it: its stored input, its output, and the parts that came beside that. */
import * as z from "zod";
import type { KeptPart } from "../backends/outcome.ts";
import { endingOf } from "../content/content.ts";
import { asFinal, cachingOf } from "../http/answer.ts";
import { atHand, download, downloadAnswers } from "../http/download.ts";
import { lookUp, nameIn } from "../http/lookup.ts";
import { typeHeaders } from "../http/output.ts";
import { type AccountCall, route } from "../http/route.ts";
import type { Inference } from "../inferences/inference.ts";
import { findInput } from "../inferences/sql/read.ts";
import { POLL_AFTER_SECONDS } from "../limits.ts";
import { storedObject } from "../payloads/payloads.ts";
import { problem } from "../problem.ts";
import { errorOf, notFound } from "./present.ts";

const params = z.object({ id: z.string().describe("The inference's id.") });

export const resultRoutes = [
  route(
    "read",
    "GET",
    "/v1/inferences/:id/input",
    { summary: "Get the input of an inference, as it was stored.", params, answers: downloadAnswers("The input, as the submit typed it.") },
    getInput,
  ),
  route(
    "read",
    "GET",
    "/v1/inferences/:id/result",
    {
      summary: "Get the output of an inference that has succeeded.",
      params,
      answers: downloadAnswers("The output, as the backend typed it."),
    },
    getResult,
  ),
  route(
    "read",
    "GET",
    "/v1/inferences/:id/result/:part",
    {
      summary: "Get one of the output's parts.",
      params: params.extend({ part: z.string().describe("The part's name.") }),
      answers: downloadAnswers("The part, as the backend typed it."),
    },
    getNamedPart,
  ),
];

/** The input, while it is kept. */
export async function getInput(call: AccountCall): Promise<Response> {
  const { accountId, id } = nameIn(call, notFound);
  const input = await findInput(call.ports.db, accountId, id);
  if (input === null) throw notFound(id);
  const { "Content-Type": contentType = "", ...headers } = typeHeaders(input.contentType);
  const whole = input.at === "row" ? await atHand(input.body) : storedObject(call.ports.payloads, input);
  if (whole === null) throw problem("payload_gone", { detail: "The input has expired." });
  const cacheControl = "private, no-cache"; // it never changes, but goes when its time is over
  return download(call.request, {
    ...whole,
    contentType,
    headers,
    etag: `"input-${id}"`,
    cacheControl,
    fileName: `${id}-input.${endingOf(contentType)}`,
  });
}

/** The output itself. Before the end 409; after a failure the failure, as a problem. */
export async function getResult(call: AccountCall): Promise<Response> {
  const inference = await lookUp(call, notFound);
  switch (inference.status) {
    case "queued":
    case "in_progress":
      throw problem("not_finished", {
        detail: `The inference is ${inference.status}.`,
        headers: { "Retry-After": String(POLL_AFTER_SECONDS.range[0]) },
        members: { inference_status: inference.status },
      });
    case "failed":
    case "expired":
    case "canceled":
      throw problem("inference_failed", {
        status: 409,
        detail: inference.status === "canceled" ? "The inference was canceled; it has no result." : inference.error.message,
        members: { inference_status: inference.status, error: inference.status === "canceled" ? null : errorOf(inference.error) },
      });
    case "succeeded":
      return serveResult(call, inference);
    default:
      return inference satisfies never;
  }
}

/** What it takes to give a download again, whose bytes stay in the bucket. */
const KEPT_DOWNLOAD_CHARACTERS = 1_000;

/** The stored output of a succeeded inference, as the backend typed it; `more` are headers beside those that it has. */
export async function serveResult(
  call: AccountCall,
  inference: Extract<Inference, { status: "succeeded" }>,
  more: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const { output, id } = inference;
  const { ETag: etag = "", "Cache-Control": cacheControl = "" } = cachingOf(inference);
  const { "Content-Type": contentType = "", ...headers } = typeHeaders(output.contentType);
  const whole = output.at === "row" ? await atHand(output.body) : storedObject(call.ports.payloads, output);
  if (whole === null) throw problem("payload_gone", { detail: "The result has expired." });
  const it = { ...whole, contentType, headers: { ...headers, ...more }, etag, cacheControl, fileName: `${id}.${endingOf(contentType)}` };
  const answer = await download(call.request, it);
  if (output.at === "row") return answer;
  return asFinal(answer, cacheControl, { characters: KEPT_DOWNLOAD_CHARACTERS, isSafe: false, again: (request) => download(request, it) });
}

/** What came beside the output: nothing before there is one. */
export function partsOf(inference: Inference): readonly KeptPart[] {
  return inference.status === "succeeded" ? inference.parts : [];
}

export function getNamedPart(call: AccountCall): Promise<Response> {
  const name = call.params["part"] ?? "";
  return getPart(call, (parts) => parts.find((part) => part.name === name));
}

/** One of the parts that came beside the output. */
export async function getPart(call: AccountCall, pick: (parts: readonly KeptPart[]) => KeptPart | undefined): Promise<Response> {
  const inference = await lookUp(call, notFound);
  if (inference.status !== "succeeded") return getResult(call); // which says what there is instead
  if (inference.dataRemoved) throw problem("payload_gone", { detail: "The result has expired." });
  const part = pick(partsOf(inference));
  const whole = part && storedObject(call.ports.payloads, { at: "object", ...part });
  if (!part || !whole) throw problem("not_found", { detail: "The result has no such part." });
  const { ETag: etag = "", "Cache-Control": cacheControl = "" } = cachingOf(inference);
  return download(call.request, { ...whole, contentType: part.contentType, etag, cacheControl, fileName: part.name });
}
