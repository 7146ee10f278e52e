/** `/admin/v1/audit`: the operator's calls that may have changed something, newest first. */
import * as z from "zod";
import { type Entry, listEntries } from "../audit/store.ts";
import { json } from "../http/answer.ts";
import { badCursor, keyIn, pageFrom, pageQuery } from "../http/page.ts";
import { type Call, type Input, type RouteShape, route } from "../http/route.ts";
import { time, timeSchema } from "../http/time.ts";
import { AUDIT_MS, AUDIT_ROWS, AUDIT_TARGET_CHARACTERS } from "../limits.ts";
import { PREFIX } from "./resource.ts";

const entrySchema = z.lazy(() =>
  z.object({
    id: z.int(),
    at: timeSchema,
    via: z.enum(["token", "session", "access"]).describe("The admin token, a session of the console, or Cloudflare Access."),
    name: z.string().nullable().describe("Who it was, if Access says so."),
    address: z.string().describe("Where the call came from: an IPv4 address, or the /64 of an IPv6 address; empty if that is not known."),
    request_id: z.string().describe("The same as in the answer's `X-Request-Id`."),
    method: z.string().describe("Of the call."),
    route: z.string().describe("As this reference has it."),
    target: z.string().nullable().describe("What it was about, by id or name."),
    change: z.unknown().describe("What was asked for. Long texts are cut."),
    status: z.int().nullable().describe("Of the answer; null: the call is under way, or was cut off."),
  }),
);
z.globalRegistry.add(entrySchema, { id: "AuditEntry" });

const pageSchema = z.object({
  data: z.array(entrySchema),
  next_after: z.string().nullable().describe("The `after` of the next page; null on the last one."),
});

const LIST = {
  summary: `List the operator's calls that may have changed something, newest first; kept for ${AUDIT_MS / 86_400_000} days, and at most ${AUDIT_ROWS}.`,
  query: pageQuery().extend({
    target: z.string().min(1).max(AUDIT_TARGET_CHARACTERS).optional().describe("Only those about this, by its id or name."),
  }),
  answers: { 200: { description: "A page of them.", json: pageSchema } },
} as const satisfies RouteShape;

export const auditRoutes = [route("operator", "GET", `${PREFIX}/audit`, LIST, list)];

async function list({ ports }: Call, { query }: Input<typeof LIST>): Promise<Response> {
  const { after, limit, target = null } = query;
  const before = after === "" ? Number.MAX_SAFE_INTEGER : Number(keyIn(after));
  if (!Number.isSafeInteger(before)) throw badCursor();
  const { rows, next } = pageFrom(await listEntries(ports.db, before, target, limit + 1), limit, ({ id }) => String(id));
  return json({ data: rows.map(present), next_after: next } satisfies z.infer<typeof pageSchema>);
}

function present({
  id,
  at,
  via,
  name,
  address,
  requestId,
  method,
  route: path,
  target,
  change,
  status,
}: Entry): z.infer<typeof entrySchema> {
  return { id, at: time(at), via, name, address, request_id: requestId, method, route: path, target, change, status };
}
