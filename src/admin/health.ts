/** `/admin/v1/health`: what an operator should see before it hurts. */
import * as z from "zod";
import { json } from "../http/answer.ts";
import { type Call, type RouteShape, route } from "../http/route.ts";
import { DATABASE_FULL_BYTES, DATABASE_WARN_BYTES } from "../limits.ts";
import { fillOf } from "../platform/fill.ts";
import { sql } from "../platform/sql.ts";
import { PREFIX } from "./resource.ts";

const healthSchema = z.lazy(() =>
  z.object({
    database: z.object({
      bytes: z.int().nullable().describe("What the database takes; null if it did not say."),
      limit_bytes: z.int().describe("What a database can take at most."),
      state: z
        .enum(["ok", "filling", "full"])
        .describe(`\`filling\` from ${DATABASE_WARN_BYTES} bytes on; \`full\` from ${DATABASE_FULL_BYTES} on: then submits are refused.`),
    }),
  }),
);

const HEALTH = {
  summary: "Get how full the database is.",
  answers: { 200: { description: "The state of the deployment.", json: healthSchema } },
} as const satisfies RouteShape;

export const healthRoutes = [route("operator", "GET", `${PREFIX}/health`, HEALTH, getHealth)];

async function getHealth({ ports: { db } }: Call): Promise<Response> {
  await db.all(sql`SELECT 1 AS asked`); // whose answer says the size
  const { bytes, limitBytes, state } = fillOf(db);
  return json({ database: { bytes, limit_bytes: limitBytes, state } } satisfies z.infer<typeof healthSchema>);
}
