/** `/admin/v1/inferences`: what an operator sees of inferences, of one account or of all, as clients see their own. */
import * as z from "zod";
import { countsSchema, counted, listQuery, listed, listedSchema } from "../api/list.ts";
import { inferenceSchema } from "../api/present.ts";
import { pickShape } from "../http/list.ts";
import { type Call, type Input, type RouteShape, route } from "../http/route.ts";
import { COUNTED_ROWS } from "../limits.ts";
import { PREFIX } from "./resource.ts";

const account = {
  account_id: z.string().min(1).max(64).optional().describe("Of this account; of all by default, in the order of the accounts' ids."),
};
const shownSchema = z.object({ account_id: z.string(), ...inferenceSchema.partial().shape });

const LIST = {
  summary: "List inferences of one account, newest first, or of all, by the filters that clients have.",
  query: listQuery.omit({ ids: true }).extend(account),
  repeatable: ["status", "fields"],
  deep: "metadata",
  answers: { 200: { description: "A page of them.", json: listedSchema.omit({ missing: true }).extend({ data: z.array(shownSchema) }) } },
} as const satisfies RouteShape;

const COUNT = {
  summary: `Count inferences by status, class and code; looks at ${COUNTED_ROWS} a call.`,
  query: z.strictObject({ ...pickShape, ...account }),
  repeatable: ["status"],
  deep: "metadata",
  answers: { 200: { description: "How many of what.", json: countsSchema } },
} as const satisfies RouteShape;

export const inferenceRoutes = [
  route("operator", "GET", `${PREFIX}/inferences`, LIST, list),
  route("operator", "GET", `${PREFIX}/inferences/counts`, COUNT, count),
];

function list(call: Call, { query: { account_id, ...query } }: Input<typeof LIST>): Promise<Response> {
  return listed(call, query, account_id ?? null, ({ accountId }) => ({ account_id: accountId }));
}

function count(call: Call, { query: { account_id, ...query } }: Input<typeof COUNT>): Promise<Response> {
  return counted(call, query, account_id ?? null);
}
