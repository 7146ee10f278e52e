/** `/admin/v1/inferences`: what an operator sees of inferences, of one account or of all, as clients see their own. */
import * as z from "zod";
import { countsSchema, counted, listQuery, listed, listedSchema } from "../api/list.ts";
import { LIST as DELIVERIES, deliverySchema, list as listDeliveries, resend } from "../api/deliveries.ts";
import { cancel, getQuery, redrive, shown } from "../api/inferences.ts";
import { inferenceSchema, notFound, present } from "../api/present.ts";
import { getInput, getNamedPart, getResult } from "../api/results.ts";
import { TIMELINE, showTimeline } from "../api/timeline.ts";
import { NOT_MODIFIED, cachingOf, json, unlessKnown } from "../http/answer.ts";
import { downloadAnswers } from "../http/download.ts";
import { lookUpWithWait } from "../http/lookup.ts";
import { pickShape } from "../http/list.ts";
import { type Call, type Input, type RouteShape, route } from "../http/route.ts";
import { COUNTED_ROWS } from "../limits.ts";
import { PREFIX, asOperator, ofAccount, ofPayload } from "./resource.ts";

const account = {
  account_id: z.string().min(1).max(64).optional().describe("Of this account; of all by default, in the order of the accounts' ids."),
};
const shownSchema = z.lazy(() => z.object({ account_id: z.string(), ...inferenceSchema.unwrap().partial().shape }));

const LIST = {
  summary: "List inferences of one account, newest first, or of all, by the filters that clients have.",
  query: listQuery.omit({ ids: true }).extend(account),
  repeatable: ["status", "fields"],
  deep: "metadata",
  answers: {
    200: {
      description: "A page of them.",
      json: z.lazy(() =>
        listedSchema
          .unwrap()
          .omit({ missing: true })
          .extend({ data: z.array(shownSchema) }),
      ),
    },
  },
} as const satisfies RouteShape;

const COUNT = {
  summary: `Count inferences by status, class and code; examines ${COUNTED_ROWS} a call.`,
  query: z.strictObject({ ...pickShape, ...account }),
  repeatable: ["status"],
  deep: "metadata",
  answers: { 200: { description: "How many of what.", json: countsSchema } },
} as const satisfies RouteShape;

const params = z.object({ account: z.string().describe("The account's id."), id: z.string().describe("The inference's id.") });

const GET = {
  summary: "Get an inference of any account.",
  params,
  query: getQuery,
  answers: {
    200: { description: "The inference.", json: z.lazy(() => z.object({ account_id: z.string(), ...inferenceSchema.unwrap().shape })) },
    304: NOT_MODIFIED,
  },
} as const satisfies RouteShape;

const INPUT = {
  summary: "Get the input of an inference of any account.",
  params,
  answers: downloadAnswers("The input, as the submit typed it."),
};
const RESULT = {
  summary: "Get the output of an inference of any account.",
  params,
  answers: downloadAnswers("The output, as the backend typed it."),
};
const PART = {
  summary: "Get one of an output's parts, for any account.",
  params: params.extend({ part: z.string().describe("The part's name.") }),
  answers: downloadAnswers("The part, as the backend typed it."),
};

const CANCEL = { summary: "Cancel an inference of any account.", params, answers: { 200: shown("The inference, which is canceled.") } };
const REDRIVE = {
  summary: "Queue a failed or expired inference of any account again under its id.",
  params,
  answers: { 202: shown("The inference, which is queued.") },
};
const RESEND = {
  summary: "Send a delivery of any account again, even if it succeeded.",
  params: params.extend({ delivery: z.string().describe("The delivery's id.") }),
  answers: { 202: { description: "The delivery.", json: deliverySchema } },
};
const path = `${PREFIX}/inferences/:account/:id`;

export const inferenceRoutes = [
  route("operator", "GET", `${PREFIX}/inferences`, LIST, list),
  route("operator", "GET", `${PREFIX}/inferences/counts`, COUNT, count),
  route("operator", "GET", path, GET, get),
  route("operator", "GET", `${path}/timeline`, { ...TIMELINE, params }, (call) => showTimeline(ofAccount(call))),
  route("operator", "GET", `${path}/input`, INPUT, (call) => getInput(ofPayload(call))),
  route("operator", "GET", `${path}/result`, RESULT, (call) => getResult(ofPayload(call))),
  route("operator", "GET", `${path}/result/:part`, PART, (call) => getNamedPart(ofPayload(call))),
  route("operator", "POST", `${path}/cancel`, CANCEL, (call) => cancel(ofAccount(call))),
  route("operator", "POST", `${path}/redrive`, REDRIVE, (call) => redrive(ofAccount(call), false)),
  route("operator", "GET", `${path}/deliveries`, { ...DELIVERIES, params }, (call, input) => listDeliveries(ofAccount(call), input)),
  route("operator", "POST", `${path}/deliveries/:delivery/resend`, RESEND, (call) => resend(ofAccount(call))),
];

async function get(call: Call, { query }: Input<typeof GET>): Promise<Response> {
  const inference = await lookUpWithWait(ofAccount(call), notFound);
  const answer = json(
    { account_id: inference.accountId, ...present(inference, asOperator(call), query.logs) },
    { headers: cachingOf(inference) },
  );
  return unlessKnown(call.request, answer);
}

function list(call: Call, { query: { account_id, ...query } }: Input<typeof LIST>): Promise<Response> {
  return listed(asOperator(call), query, account_id ?? null, ({ accountId }) => ({ account_id: accountId }));
}

function count(call: Call, { query: { account_id, ...query } }: Input<typeof COUNT>): Promise<Response> {
  return counted(call, query, account_id ?? null);
}
