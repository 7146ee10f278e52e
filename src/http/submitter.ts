/** Who submits, and in which trace: what every wire's submission has of its call. */
import { spanOfCall, storedTrace, traceIn, traceparentOf } from "../inferences/trace.ts";
import type { Submission } from "../inferences/submit.ts";
import type { Call, KeyCall } from "./route.ts";

type Submitter = Pick<Submission, "accountId" | "keyId" | "trace">;

export function submitterOf({ caller, request, requestId }: KeyCall): Submitter {
  const client = traceIn(request.headers);
  return { accountId: caller.accountId, keyId: caller.keyId, trace: client && storedTrace(spanOfCall(client, requestId)) };
}

/** `traceresponse` of a call that says in which trace it is: the call's own span in it (Trace Context, level 3). */
export function traceResponse({ request, requestId }: Pick<Call, "request" | "requestId">): Readonly<Record<string, string>> | null {
  const client = traceIn(request.headers);
  return client && { traceresponse: traceparentOf(spanOfCall(client, requestId)) };
}
