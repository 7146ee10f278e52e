/** Our own wire: its routes, and its errors as problem details (RFC 9457). */
import { problemDetails, problemSchema } from "../http/problem-details.ts";
import { fileRoutes } from "./files.ts";
import { linkRoutes } from "./links.ts";
import { presentOwnEvent } from "./event.ts";
import { webhookRoutes } from "./webhooks.ts";
import { deliveryRoutes } from "./deliveries.ts";
import { bulkSubmitRoutes } from "./bulk-submit.ts";
import { bulkRoutes } from "./bulk.ts";
import { eventRoutes } from "./events.ts";
import { inferenceRoutes } from "./inferences.ts";
import { listRoutes } from "./list.ts";
import { meRoutes } from "./me.ts";
import { progressRoutes } from "./progress.ts";
import { queueRoute } from "./models.ts";
import { resultRoutes } from "./results.ts";
import { streamRoutes } from "./streams.ts";
import { timelineRoutes } from "./timeline.ts";
import { uploadRoutes } from "./uploads.ts";
import { type Dialect, refusingOtherQueries } from "../http/route.ts";

export const own: Dialect = {
  name: "claimcheck",
  title: "Claimcheck API",
  owns: (path) => path === "/v1" || path.startsWith("/v1/"),
  error: problemSchema,
  routes: [
    ...listRoutes,
    ...bulkRoutes,
    ...bulkSubmitRoutes,
    ...eventRoutes,
    ...streamRoutes,
    ...inferenceRoutes,
    ...resultRoutes,
    ...timelineRoutes,
    ...deliveryRoutes,
    ...webhookRoutes,
    ...fileRoutes,
    ...uploadRoutes,
    ...linkRoutes,
    ...progressRoutes,
    queueRoute,
    ...meRoutes,
  ].map(refusingOtherQueries),
  presentEvent: presentOwnEvent,
  refuse: problemDetails,
};
