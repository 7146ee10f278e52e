/** The span of one try to send a delivery, as OpenTelemetry's conventions for HTTP clients have it. Of its URL only the server is told: the rest may hold a secret. */
import { type TraceContext, spanIdOf } from "../inferences/trace.ts";
import type { SpanSink } from "../platform/otlp.ts";
import { type CallResult, statusOf, wasDelivered } from "./call.ts";
import { deliveryIdOf } from "./delivery.ts";
import type { ClaimedDelivery } from "./sql/deliveries.ts";

/** Hands it to the operator's collector, if there is one and the trace is sampled. It has ended just now. */
export function noteTry(spans: SpanSink | undefined, claim: ClaimedDelivery, context: TraceContext, result: CallResult, now: number): void {
  if (!spans || !context.sampled) return;
  const { traceId, spanId, state } = context;
  const { outcome } = result;
  const { hostname, protocol } = new URL(claim.url);
  const status = statusOf(outcome);
  spans.add({
    traceId,
    spanId,
    parentId: spanIdOf(claim.inferenceId, "inference"),
    state,
    name: "POST",
    kind: "client",
    startAt: now - result.durationMs,
    endAt: now,
    attributes: {
      "http.request.method": "POST",
      "http.response.status_code": status,
      "http.request.resend_count": claim.attempt > 0 ? claim.attempt : null,
      "url.scheme": protocol.slice(0, -1),
      "server.address": hostname,
      "claimcheck.inference.id": claim.inferenceId,
      "claimcheck.account.id": claim.accountId,
      "claimcheck.event": claim.event,
      "claimcheck.delivery.id": deliveryIdOf(claim),
    },
    error: wasDelivered(result) ? null : status === null ? outcome.kind : String(status),
  });
}
