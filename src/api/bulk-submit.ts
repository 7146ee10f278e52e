/** Many submits in one call: each is accepted or refused by itself, or, if asked so, all or none. */
import * as z from "zod";
import { json } from "../http/answer.ts";
import { readSeveral, type OneOfSeveral } from "../http/body.ts";
import { read } from "../http/faults.ts";
import { problemMembers, problemSchema } from "../http/problem-details.ts";
import { type KeyCall, type Input, type RouteShape, route } from "../http/route.ts";
import { submitterOf } from "../http/vetted.ts";
import { submitAll, type Submitted } from "../inferences/submit.ts";
import type { Submission } from "../inferences/submission.ts";
import { resultOf, submitEach } from "../inferences/submit-many.ts";
import { digestOf } from "../keys/key.ts";
import { BULK_SUBMITS, BULK_SUBMITS_AT_ONCE, IDEMPOTENCY_KEY_CHARACTERS, JSON_BODY_BYTES } from "../limits.ts";
import { several } from "../platform/several.ts";
import { Problem, problem } from "../problem.ts";
import { isObject } from "../tensors/tensor.ts";
import { inferenceSchema, present } from "./present.ts";
import { submissionBy, submissionSchema, webhookIn } from "./submission.ts";

const keySchema = z
  .string()
  .regex(/^[\x20-\x7e]+$/, "must be printable ASCII")
  .max(IDEMPOTENCY_KEY_CHARACTERS);

const lineSchema = z.lazy(() =>
  submissionSchema.unwrap().safeExtend({
    idempotency_key: keySchema.optional().describe("As the header `Idempotency-Key` of a single submit, of this line."),
  }),
);

const resultSchema = z.lazy(() =>
  z.object({
    index: z.int().describe("Which of those that were sent, from 0 on."),
    inference: inferenceSchema.optional().describe("If it was accepted."),
    replayed: z.boolean().optional().describe("Whether it was accepted by an earlier call with this key."),
    error: problemSchema.optional().describe("If it was refused."),
  }),
);

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
  if (call.request.headers.has("idempotency-key")) {
    // Whoever sends it counts on it when a call is repeated, and without a key of its own each line would be submitted again.
    throw problem("bad_request", {
      detail: 'A bulk submit takes no header Idempotency-Key. Give each item an "idempotency_key" of its own.',
    });
  }
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
  return submitEach(call.ports, await submissionsOf(call, lines), call.after);
}

/** Throws the first refusal, with the place of its line. */
async function allOrNone(call: KeyCall, lines: readonly OneOfSeveral[]): Promise<Result[]> {
  const submissions = (await submissionsOf(call, lines, (index) => [index])).map((submission) => {
    if (submission instanceof Problem) throw submission;
    return submission;
  });
  return submitAll(call.ports, submissions, call.after);
}

type Line = z.infer<typeof lineSchema>;
type Path = readonly number[];

/** The submission that each line is, or what is wrong with it; `pathOf` is where a line stands. */
async function submissionsOf(
  call: KeyCall,
  lines: readonly OneOfSeveral[],
  pathOf: (index: number) => Path = () => [],
): Promise<(Submission | Problem)[]> {
  const check = lineChecker();
  const submitter = submitterOf(call);
  const asking: { readonly index: number; readonly text: string; readonly line: Line }[] = [];
  const submissions = lines.map((line, index): Submission | Problem | null => {
    if ("problem" in line) return line.problem;
    const checked = check(line.value, pathOf(index));
    if (checked instanceof Problem) return checked;
    if (checked.idempotency_key === undefined && checked.webhook === undefined)
      return submissionBy(submitter, checked, null, undefined, pathOf(index));
    asking.push({ index, text: line.text, line: checked });
    return null;
  });
  await several(asking, BULK_SUBMITS_AT_ONCE, async ({ index, text, line }) => {
    const { idempotency_key: key, webhook } = line;
    submissions[index] = await resultOf(async () => {
      const idempotency = key === undefined ? null : { key, fingerprint: await digestOf(`${call.url.pathname}\n${text}`) };
      const judged = webhook && (await webhookIn(call, webhook, pathOf(index)));
      return submissionBy(submitter, line, idempotency, judged, pathOf(index));
    });
  });
  return submissions.flatMap((submission) => submission ?? []);
}

/** Checks the lines of a call, one after the other. Most say beside input and key what the one before says, and are then as right as that. */
function lineChecker(): (value: unknown, path: Path) => Line | Problem {
  let last: { readonly said: Readonly<Record<string, unknown>>; readonly line: Line } | null = null;
  return (value, path) => {
    if (last && isObject(value) && saysTheSame(value, last.said)) {
      const { input, idempotency_key: key } = value;
      return { ...last.line, input: input ?? null, ...(typeof key === "string" && { idempotency_key: key }) };
    }
    const checked = read(lineSchema, value, "body");
    if (!checked.ok)
      return problem("invalid_input", { faults: checked.faults.map((fault) => ({ ...fault, path: [...path, ...fault.path] })) });
    last = isObject(value) ? { said: value, line: checked.value } : null;
    return checked.value;
  };
}

/** Whether a line has the members of one that was found right, with the same texts and numbers in them. */
function saysTheSame(value: Readonly<Record<string, unknown>>, said: Readonly<Record<string, unknown>>): boolean {
  const names = Object.keys(value);
  return (
    names.length === Object.keys(said).length &&
    names.every((name) => Object.hasOwn(said, name) && isAsRight(name, value[name], said[name]))
  );
}

const isAsRight = (name: string, value: unknown, known: unknown) =>
  name === "input" || value === known || (name === "idempotency_key" && keySchema.safeParse(value).success);
