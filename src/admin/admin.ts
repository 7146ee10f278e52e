/** The operator's calls, `/admin/v1/…`, behind ADMIN_TOKEN: accounts, keys, models, backends, and what follows an incident. */
import { problemDetails, problemSchema } from "../http/problem-details.ts";
import { type Dialect, refusingOtherQueries } from "../http/route.ts";
import { accountRoutes } from "./accounts.ts";
import { auditRoutes } from "./audit.ts";
import { backendRoutes } from "./backends.ts";
import { checkRoutes } from "./checks.ts";
import { keyRoutes } from "./keys.ts";
import { modelRoutes } from "./models.ts";
import { usageRoutes } from "./usage.ts";
import { webhookRoutes } from "./webhooks.ts";
import { schemaRoutes } from "./schemas.ts";
import { inferenceRoutes } from "./inferences.ts";
import { healthRoutes } from "./health.ts";
import { metricsRoutes } from "./metrics.ts";
import { overviewRoutes } from "./overview.ts";
import { operationRoutes } from "./operations.ts";

export const admin: Dialect = {
  name: "admin",
  title: "Admin API",
  owns: (path) => path === "/admin" || path === "/metrics" || path.startsWith("/admin/"),
  error: problemSchema,
  routes: [
    ...accountRoutes,
    ...keyRoutes,
    ...modelRoutes,
    ...schemaRoutes,
    ...backendRoutes,
    ...inferenceRoutes,
    ...operationRoutes,
    ...usageRoutes,
    ...webhookRoutes,
    ...healthRoutes,
    ...overviewRoutes,
    ...metricsRoutes,
    ...auditRoutes,
    ...checkRoutes,
  ].map(refusingOtherQueries),
  refuse: problemDetails,
};
