/** The span of a call that submits, as OpenTelemetry's conventions for HTTP servers have it: a child of the client's, to which the inference is linked. */
import { spanOfCall, traceIn } from "../inferences/trace.ts";
import type { Call, Route } from "./route.ts";

/** Hands it to the operator's collector, if there is one, its client's trace is sampled, and the call was about a submit. */
export function noteSpan(
  call: Pick<Call, "ports" | "request" | "requestId" | "url">,
  { access, method, path }: Pick<Route, "access" | "method" | "path">,
  status: number,
  startAt: number,
): void {
  const { ports, request, requestId } = call;
  if (!ports.spans || access !== "submit") return;
  const client = traceIn(request.headers);
  if (!client?.sampled) return;
  const { url } = call; // made of the request's where it is asked for
  const { traceId, spanId, state } = spanOfCall(client, requestId);
  ports.spans.add({
    traceId,
    spanId,
    parentId: client.spanId,
    state,
    name: `${method} ${path}`,
    kind: "server",
    startAt,
    endAt: ports.clock.now(),
    attributes: {
      "http.request.method": method,
      "http.route": path,
      "http.response.status_code": status,
      "url.scheme": url.protocol.slice(0, -1),
      "server.address": url.hostname,
      "claimcheck.request.id": requestId,
    },
    error: status >= 500 ? String(status) : null,
  });
}
