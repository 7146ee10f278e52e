/** Our own wire: its routes, and its errors as problem details (RFC 9457). */
import { problemDetails, problemSchema } from "../http/problem-details.ts";
import { fileRoutes } from "./files.ts";
import { linkRoutes } from "./links.ts";
import { presentOwnEvent } from "./event.ts";
import { webhookRoutes } from "./webhooks.ts";
import { cancel, cancelMany, redrive, remove, showInference, showNamedPart, showResult, submitInference } from "./inferences.ts";
import { showQueue } from "./models.ts";
import type { Dialect } from "../http/route.ts";

export const own: Dialect = {
  name: "claimcheck",
  title: "Claimcheck API",
  owns: () => true,
  error: problemSchema,
  routes: [
    ...fileRoutes,
    ...linkRoutes,
    ...webhookRoutes,
    { method: "POST", path: "/v1/inferences", access: "submit", handle: submitInference },
    { method: "GET", path: "/v1/inferences/:id", access: "read", beside: true, handle: showInference },
    { method: "DELETE", path: "/v1/inferences/:id", access: "cancel", handle: remove },
    { method: "GET", path: "/v1/inferences/:id/result", access: "read", handle: showResult },
    { method: "GET", path: "/v1/inferences/:id/result/:part", access: "read", handle: showNamedPart },
    { method: "POST", path: "/v1/inferences/:id/cancel", access: "cancel", handle: cancel },
    { method: "POST", path: "/v1/inferences/:id/redrive", access: "submit", handle: redrive },
    { method: "POST", path: "/v1/inferences/cancel", access: "cancel", handle: cancelMany },
    { method: "GET", path: "/v1/models/:name/queue", access: "read", handle: showQueue },
  ],
  presentEvent: presentOwnEvent,
  refuse: problemDetails,
};
