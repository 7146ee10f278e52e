/** Many submits in one call: each is accepted or refused by itself, or, if asked so, all or none. */
import * as z from "zod";
import { json } from "../http/answer.ts";
import { readSeveral, type OneOfSeveral } from "../http/body.ts";
import { read } from "../http/faults.ts";
import { problemMembers, problemSchema } from "../http/problem-details.ts";
import { type KeyCall, type Input, type RouteShape, route } from "../http/route.ts";
import { submitAll, type Submitted } from "../inferences/submit.ts";
import type { Submission } from "../inferences/submission.ts";
import { resultOf, submitEach } from "../inferences/submit-many.ts";
import { digestOf } from "../keys/key.ts";
import { BULK_SUBMITS, BULK_SUBMITS_AT_ONCE, IDEMPOTENCY_KEY_CHARACTERS, JSON_BODY_BYTES } from "../limits.ts";
import { several } from "../platform/several.ts";
import { Problem, problem } from "../problem.ts";
import { inferenceSchema, present } from "./present.ts";
import { submissionOf, submissionSchema } from "./submission.ts";

const lineSchema = submissionSchema.extend({
  idempotency_key: z
    .string()
    .regex(/^[\x20-\x7e]+$/, "must be printable ASCII")
    .max(IDEMPOTENCY_KEY_CHARACTERS)
    .optional()
    .describe("As the header `Idempotency-Key` of a single submit, of this line."),
});

const resultSchema = z.object({
  index: z.int().describe("Which of those that were sent, from 0 on."),
  inference: inferenceSchema.optional().describe("If it was accepted."),
  replayed: z.boolean().optional().describe("Whether it was accepted by an earlier call with this key."),
  error: problemSchema.optional().describe("If it was refused."),
});

const bulkSchema = z.object({
  accepted: z.int().describe("How many were accepted."),
  refused: z.int().describe("How many were refused."),
  results: z.array(resultSchema).describe("One for each, in their order."),
});

const BULK = {
  summary: `Submit up to ${BULK_SUBMITS} inferences, each by itself, or all or none.`,
  query: z.strictObject({
    atomic: z
      .enum(["true", "false"])
      .default("false")
      .describe("`true`: if one is refused, none is submitted, and the answer is that refusal."),
  }),
  body: { raw: { "application/json": z.array(lineSchema).min(1).max(BULK_SUBMITS), "application/x-ndjson": "The same as JSON Lines." } },
  answers: { 202: { description: "What became of each.", json: bulkSchema } },
} as const satisfies RouteShape;

export const bulkSubmitRoutes = [route("submit", "POST", "/v1/inferences/bulk", BULK, submitMany)];

async function submitMany(call: KeyCall, { query }: Input<typeof BULK>): Promise<Response> {
  const lines = await readSeveral(call.request, JSON_BODY_BYTES, BULK_SUBMITS);
  const results = query.atomic === "true" ? await allOrNone(call, lines) : await eachByItself(call, lines);
  const shown = results.map((result, index) =>
    result instanceof Problem
      ? { index, error: problemMembers(result, call) }
      : { index, inference: present(result.inference, call), ...(result.replayed && { replayed: true }) },
  );
  const refused = results.filter((result) => result instanceof Problem).length;
  return json({ accepted: results.length - refused, refused, results: shown } satisfies z.infer<typeof bulkSchema>, { status: 202 });
}

type Result = Submitted | Problem;

async function eachByItself(call: KeyCall, lines: readonly OneOfSeveral[]): Promise<Result[]> {
  const submissions: (Submission | Problem)[] = [];
  await several(lines, BULK_SUBMITS_AT_ONCE, async (line, index) => {
    submissions[index] = await resultOf(() => submissionIn(call, line));
  });
  return submitEach(call.ports, submissions, call.after);
}

/** Throws the first refusal, with the place of its line. */
async function allOrNone(call: KeyCall, lines: readonly OneOfSeveral[]): Promise<Result[]> {
  const submissions = await Promise.all(lines.map((line, index) => submissionIn(call, line, [index])));
  return submitAll(call.ports, submissions, call.after);
}

/** The submission that a line is. Throws what is wrong with it; `path` is where it stands. */
async function submissionIn(call: KeyCall, line: OneOfSeveral, path: readonly number[] = []): Promise<Submission> {
  if ("problem" in line) throw line.problem;
  const checked = read(lineSchema, line.value, "body");
  if (!checked.ok)
    throw problem("invalid_input", { faults: checked.faults.map((fault) => ({ ...fault, path: [...path, ...fault.path] })) });
  const { idempotency_key: key, ...body } = checked.value;
  const idempotency = key === undefined ? null : { key, fingerprint: await digestOf(`${call.url.pathname}\n${line.text}`) };
  return submissionOf(call, body, idempotency, path);
}
