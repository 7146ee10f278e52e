/** `/admin/v1/usage`: what accounts have used, and what it cost. */
import * as z from "zod";
import { USAGE_BY } from "../accounts/usage.ts";
import { type Call, type Input, type RouteShape, route } from "../http/route.ts";
import { answerUsage, usageSchema, usageShape } from "../http/usage.ts";
import { PREFIX } from "./resource.ts";

const USAGE = {
  summary: "Get what accounts have used, by account, day, model or key.",
  query: z.strictObject({ ...usageShape(USAGE_BY), account_id: z.string().min(1).max(64).optional().describe("Only this account's.") }),
  repeatable: ["by"],
  answers: {
    200: { description: "The sums; as a table for `Accept: text/csv`.", json: usageSchema, other: { "text/csv": "The same as a table." } },
  },
} as const satisfies RouteShape;

export const usageRoutes = [route("operator", "GET", `${PREFIX}/usage`, USAGE, show)];

function show(call: Call, { query: { account_id, ...query } }: Input<typeof USAGE>): Promise<Response> {
  return answerUsage(call, query, account_id ?? null);
}
