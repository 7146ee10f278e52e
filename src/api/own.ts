/** Our own wire: its routes, and its errors as problem details (RFC 9457). */
import { type Problem, pointer } from "../problem.ts";
import { fileRoutes } from "./files.ts";
import { linkRoutes } from "./links.ts";
import { presentOwnEvent } from "./event.ts";
import { webhookRoutes } from "./webhooks.ts";
import { cancel, cancelMany, redrive, remove, showInference, showNamedPart, showResult, submitInference } from "./inferences.ts";
import { showQueue } from "./models.ts";
import type { Dialect } from "../http/route.ts";

export const own: Dialect = {
  name: "claimcheck",
  owns: () => true,
  routes: [
    ...fileRoutes,
    ...linkRoutes,
    ...webhookRoutes,
    { method: "POST", path: "/v1/inferences", access: "submit", handle: submitInference },
    { method: "GET", path: "/v1/inferences/:id", access: "read", handle: showInference },
    { method: "DELETE", path: "/v1/inferences/:id", access: "cancel", handle: remove },
    { method: "GET", path: "/v1/inferences/:id/result", access: "read", handle: showResult },
    { method: "GET", path: "/v1/inferences/:id/result/:part", access: "read", handle: showNamedPart },
    { method: "POST", path: "/v1/inferences/:id/cancel", access: "cancel", handle: cancel },
    { method: "POST", path: "/v1/inferences/:id/redrive", access: "submit", handle: redrive },
    { method: "POST", path: "/v1/inferences/cancel", access: "cancel", handle: cancelMany },
    { method: "GET", path: "/v1/models/:name/queue", access: "read", handle: showQueue },
  ],
  tell: presentOwnEvent,
  refuse(problem: Problem, { requestId }) {
    const body = {
      type: "about:blank",
      title: problem.title,
      status: problem.status,
      detail: problem.detail,
      code: problem.code,
      request_id: requestId,
      ...(problem.faults.length > 0
        ? { errors: problem.faults.map((fault) => ({ detail: fault.detail, pointer: pointer(fault.path) })) }
        : {}),
      ...problem.members,
    };
    return new Response(JSON.stringify(body), {
      status: problem.status,
      headers: { "Content-Type": "application/problem+json", "Cache-Control": "private, no-store", ...problem.headers },
    });
  },
};
