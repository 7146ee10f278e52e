/**
 * `urls.stream`: what happens to a prediction, as server-sent events in Replicate's words. The link that names it needs no key, as its
 * clients send none. Where the output is kept while it comes, it is told as it comes, and any of it again; of any other prediction
 * the model's lines are told as they come, and the output at its end. Each event has an id that a client may go on after.
 */
import { linkIn, resultLinks } from "../../api/links.ts";
import { EventReader, KEEP_ALIVE } from "../../backends/streams/event-reader.ts";
import { writeJson, parseTolerantly } from "../../encoding/json.ts";
import { lookUp, notFoundAs } from "../../http/lookup.ts";
import { placeIn, resumedStream } from "../../http/resumed.ts";
import { type Call, type KeyCall, type StreamEnds, route } from "../../http/route.ts";
import { eventStream, eventsWritten } from "../../http/sse.ts";
import type { Inference } from "../../inferences/inference.ts";
import { linesAfter, placeOf, placeText } from "../../inferences/log-events.ts";
import { isFinal } from "../../inferences/status.ts";
import { placeText as streamPlaceText } from "../../inferences/streams/place.ts";
import { statesOf } from "../../inferences/watch.ts";
import { EVENTS_RETRY_MS, EVENTS_SECONDS } from "../../limits.ts";
import { problem } from "../../problem.ts";
import { isObject } from "../../tensors/tensor.ts";
import { isRemoved, linesText, outputText, piecesOf } from "./present.ts";
import { ROOT, STREAM } from "./schemas.ts";

export const streamRoutes = [route("open", "GET", `${ROOT}/streams/:token`, STREAM, follow)];

const notFound = notFoundAs(() => "The prediction is no more.");

async function follow(call: Call): Promise<Response> {
  const { link, maker } = await linkIn(call, ["stream"]);
  const { accountId, keyId, id } = link;
  const { url, origin } = call; // no spread has what is reckoned
  const caller = { accountId, keyId: keyId ?? "", digest: maker.digest ?? "" };
  const asked: KeyCall = { ...call, url, origin, dialectOf: (name) => call.dialectOf(name), params: { id }, caller };
  const found = await lookUp(asked, notFound);
  if (isRemoved(found)) throw problem("payload_gone", { detail: "The prediction's output was removed." });
  const endAt = call.ports.clock.now() + EVENTS_SECONDS * 1000;
  if (!found.resumable) return watched(asked, found, endAt);
  const { inference, from } = await placeIn(asked, found, undefined);
  return from === "over" ? over() : resumedStream(asked, inference, STREAM_ENDS, { from, endAt, headers: {}, retries: true });
}

const over = () => new Response(null, { status: 204, headers: { "Cache-Control": "private, no-store" } });

/** An event. A line of its data may end in any way: clients read each as one of theirs. */
function eventOf(name: "output" | "logs" | "error" | "done", data: string, id?: string): string {
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
  return `event: ${name}\n${id === undefined ? "" : `id: ${id}\n`}${lines.join("")}\n`;
}

/** How it ended, without its output. */
function endOf(inference: Inference, id?: string): string {
  if (inference.status === "succeeded") return eventOf("done", "{}", id);
  if (!("error" in inference)) return eventOf("done", '{"reason":"canceled"}', id);
  return eventOf("error", writeJson({ detail: inference.error.message }), id) + eventOf("done", '{"reason":"error"}');
}

/** The pieces of a whole output; none if it did not succeed. */
async function piecesIn(call: KeyCall, inference: Inference): Promise<readonly string[]> {
  if (inference.status !== "succeeded") return [];
  const { origin, ports } = call;
  return piecesOf(await outputText(inference, { origin, payloads: ports.payloads, resultLink: resultLinks(call, inference) }));
}

// An output that is kept while it comes

/** What a stream that is kept says in Replicate's words. */
export const STREAM_ENDS: StreamEnds = {
  told(event) {
    const text = [...new EventReader().of(event)].map(({ data }) => (data === null ? "" : textIn(data))).join("");
    return text === "" ? "" : eventOf("output", text);
  },
  /** The lines of its model are told at the end. */
  last: (inference) => logsOf(inference) + endOf(inference),
  async whole(inference, call) {
    const id = streamPlaceText({ attempt: inference.attempt, offset: 0 }); // who comes back with it begins again
    return (await piecesIn(call, inference)).map((piece) => eventOf("output", piece, id)).join("");
  },
  restarted: () => {
    const detail = "The attempt that spoke was lost, and another has begun. Follow the prediction again from its beginning.";
    return eventOf("error", writeJson({ detail })) + eventOf("done", '{"reason":"error"}');
  },
};

/** What an event of a text model's server adds to the text. */
function textIn(data: string): string {
  const known = parseTolerantly(data);
  const value = known.ok ? known.value.value : null;
  if (!isObject(value)) return "";
  if (typeof value["text_output"] === "string") return value["text_output"];
  const [choice] = Array.isArray(value["choices"]) ? value["choices"] : [];
  if (!isObject(choice)) return "";
  const content = isObject(choice["delta"]) ? choice["delta"]["content"] : choice["text"];
  return typeof content === "string" ? content : "";
}

function logsOf({ log }: Inference): string {
  const lines = linesText(log);
  return lines === "" ? "" : eventOf("logs", lines);
}

// Any other

/** The id of an event of its end: when that was, and how many pieces of its output came before. */
const endId = (inference: Inference, pieces: number | "end") => `${"finishedAt" in inference ? inference.finishedAt : 0}.${pieces}`;

/** How much of this end a client has; null if it is of another one, or none. */
function toldOfEnd(inference: Inference, last: string): number | "end" | null {
  const [, moment, pieces = ""] = /^(\d{1,15})\.(\d{1,9}|end)$/.exec(last) ?? [];
  if (!("finishedAt" in inference) || moment !== String(inference.finishedAt)) return null;
  return pieces === "end" ? pieces : Number(pieces);
}

/** What happens to it, and at its end the output. */
async function watched(call: KeyCall, found: Inference, endAt: number): Promise<Response> {
  const { request, ports, after } = call;
  const last = request.headers.get("last-event-id") ?? "";
  if (toldOfEnd(found, last) === "end") return over();
  if (request.method === "HEAD") return eventStream("", {});
  return eventsWritten(call, "read", { headers: {}, endAt }, async (write, gone) => {
    const encoder = new TextEncoder();
    await write(encoder.encode(`retry: ${EVENTS_RETRY_MS}\n`));
    let place = placeOf(last);
    for await (const state of statesOf(ports, found, { endAt, signal: gone, after, withWait: false })) {
      const told = toldOfEnd(state, last);
      const { lines } = linesAfter(state, place);
      place = lines.at(-1)?.place ?? place;
      const logs = told !== null ? [] : lines.filter(({ event }) => event === "log");
      const said = logs.map((line) => eventOf("logs", `${line.message ?? ""}\n`, placeText(line.place))).join("");
      if (!isFinal(state.status)) {
        await write(encoder.encode(said || KEEP_ALIVE));
        continue;
      }
      const pieces = (await piecesIn(call, state)).map((piece, index) => eventOf("output", piece, endId(state, index + 1)));
      const rest = pieces.slice(typeof told === "number" ? told : 0);
      await write(encoder.encode(said + rest.join("") + endOf(state, endId(state, "end"))));
      return;
    }
  });
}
