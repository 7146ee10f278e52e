/** The output of an inference that was submitted as a stream which resumes: from any place in it, while it comes and after. */
import * as z from "zod";
import { framed } from "../backends/streams/event-reader.ts";
import { writeJson } from "../encoding/json.ts";
import { lookUp } from "../http/lookup.ts";
import { placeIn, resumedStream } from "../http/resumed.ts";
import { type Input, type KeyCall, type RouteShape, type StreamEnds, route } from "../http/route.ts";
import { EVENTS_TYPE } from "../http/sse.ts";
import { EVENTS_SECONDS } from "../limits.ts";
import { problem } from "../problem.ts";
import { notFound, present } from "./present.ts";

const STREAM = {
  summary: "Read the output of an inference as a stream, while it comes or after, from any place in it.",
  params: z.object({ id: z.string().describe("The inference's id.") }),
  query: z.strictObject({
    after: z.string().max(128).optional().describe("The id of the last event that the client has, as the header `Last-Event-ID`."),
  }),
  answers: {
    200: { description: "Events, until the end.", other: { [EVENTS_TYPE]: "see docs/watching.md" } },
    204: { description: "It has ended, and the client has all of it." },
  },
} as const satisfies RouteShape;

export const streamRoutes = [route("read", "GET", "/v1/inferences/:id/stream", STREAM, read)];

/** What a stream says beside the backend's words if it was submitted by our own API, or by a wire that does not stream. */
const OWN_ENDS: StreamEnds = {
  last: (inference, call) => `event: final\n${framed(writeJson({ inference_id: inference.id, inference: present(inference, call) }))}`,
  whole: async () => null, // the last event has the output, or where it is
};

async function read(call: KeyCall, { query }: Input<typeof STREAM>): Promise<Response> {
  const found = await lookUp(call, notFound);
  if (!found.resumable) {
    const detail =
      "The inference was not submitted as a stream that can be read again. Submit with `stream: true`; its output is its result.";
    throw problem("conflict", { detail });
  }
  if ("dataRemoved" in found && found.dataRemoved) throw problem("payload_gone", { detail: "The stream has expired." });
  const { inference, from } = await placeIn(call, found, query.after);
  if (from === "over") return new Response(null, { status: 204, headers: { "Cache-Control": "private, no-store" } });
  const endAt = call.ports.clock.now() + EVENTS_SECONDS * 1000;
  return resumedStream(call, inference, call.dialectOf(inference.dialect)?.streamEnds ?? OWN_ENDS, {
    from,
    endAt,
    headers: {},
    retries: true,
  });
}
