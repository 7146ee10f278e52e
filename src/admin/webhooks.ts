/** `/admin/v1/webhooks`: an account's webhooks and endpoints as its operator sees and mends them. The rest is the account's own. */
import * as z from "zod";
import { findAccount } from "../accounts/store.ts";
import {
  LIST_BY_STATUS,
  RESEND_ANY,
  RESEND_OF_URLS,
  RESEND_OF_WEBHOOK,
  listByStatus,
  resendAll,
  resendAny,
  resendOfWebhook,
} from "../api/deliveries.ts";
import { ENABLE_URL, LIST_ENDPOINTS, enableUrl, list, listSchema, listUrls } from "../api/webhooks.ts";
import { type AccountCall, type Call, type RouteShape, route } from "../http/route.ts";
import { PREFIX, found, ofAccount } from "./resource.ts";

const params = z.object({ account: z.string().describe("The account's id.") });
const path = `${PREFIX}/webhooks/:account`;

const LIST = {
  summary: "List the webhooks of an account.",
  params,
  answers: { 200: { description: "All of them.", json: listSchema } },
} as const satisfies RouteShape;

const ofDelivery = { ...RESEND_ANY, params: params.extend(RESEND_ANY.params.shape) };
const ofOne = { ...RESEND_OF_WEBHOOK, params: params.extend({ id: z.string().describe("The webhook's id.") }) };

export const webhookRoutes = [
  route("operator", "GET", path, LIST, async (call) => list(await known(call))),
  route("operator", "GET", `${path}/endpoints`, { ...LIST_ENDPOINTS, params }, async (call, input) => listUrls(await known(call), input)),
  route("operator", "GET", `${path}/deliveries`, { ...LIST_BY_STATUS, params }, async (call, input) =>
    listByStatus(await known(call), input),
  ),
  route("operator", "POST", `${path}/deliveries/:delivery/resend`, ofDelivery, async (call) => resendAny(await known(call))),
  route("operator", "POST", `${path}/enable`, { ...ENABLE_URL, params }, async (call, input) => enableUrl(await known(call), input)),
  route("operator", "POST", `${path}/resend`, { ...RESEND_OF_URLS, params }, async (call, { body }) =>
    resendAll(await known(call), "", body.since),
  ),
  route("operator", "POST", `${path}/:id/resend`, ofOne, async (call, input) => resendOfWebhook(await known(call), input)),
];

/** Throws if there is no such account: it would look like one without webhooks. */
async function known(call: Call): Promise<AccountCall> {
  found(await findAccount(call.ports.db, call.params["account"] ?? ""), "account");
  return ofAccount(call);
}
