/** The status of a request as a stream of events: one for each change, until its end, which is the end of the stream. */
import { KEEP_ALIVE, framed } from "../../backends/streams/event-reader.ts";
import { writeJson } from "../../encoding/json.ts";
import { type NotFound, lookUp } from "../../http/lookup.ts";
import type { KeyCall } from "../../http/route.ts";
import { eventStream, eventsWritten } from "../../http/sse.ts";
import { type Place, linesAfter } from "../../inferences/log-events.ts";
import { isFinal } from "../../inferences/status.ts";
import { statesOf } from "../../inferences/watch.ts";
import { statusOf } from "./present.ts";

/**
 * Each event has only logs that none before it had, since the clients add them up. Nothing cuts the stream before the end: to a client the
 * end of the stream is the end of the request.
 */
export async function watchStatus(call: KeyCall, notFound: NotFound, withLogs: boolean): Promise<Response> {
  const inference = await lookUp(call, notFound);
  const headers = { "X-Fal-Request-Id": inference.id };
  if (call.request.method === "HEAD") return eventStream("", headers);
  const encoder = new TextEncoder();
  return eventsWritten(call, "read", { headers, endAt: Infinity }, async (write, gone) => {
    let place: Place | null = null;
    let last = "";
    for await (const state of statesOf(call.ports, inference, { endAt: Infinity, signal: gone, after: call.after, withWait: true })) {
      const { lines } = linesAfter(state, place);
      place = lines.at(-1)?.place ?? place;
      const text = framed(writeJson(statusOf(call.origin, state, withLogs ? lines : null)));
      await write(encoder.encode(text === last ? KEEP_ALIVE : text));
      last = text;
      if (isFinal(state.status)) return;
    }
  });
}
