/** A problem as problem details (RFC 9457): how our own API, the operator's and the health check refuse. */
import * as z from "zod";
import { type Problem, pointer } from "../problem.ts";
import { SAFE_HEADERS, withHeaders } from "./answer.ts";
import type { Call } from "./route.ts";

export const problemSchema = z.lazy(() =>
  z
    .looseObject({
      type: z.literal("about:blank"),
      title: z.string().describe("What kind of problem it is, for people."),
      status: z.int().describe("The HTTP status."),
      detail: z.string().describe("What happened and what to do, for people."),
      code: z.string().describe("What kind of problem it is, for programs."),
      request_id: z.string().describe("As in `X-Request-Id`; the operator's log has it."),
      errors: z
        .array(
          z.object({
            detail: z.string().describe("What is wanted there."),
            pointer: z.string().describe("The place: a JSON Pointer (RFC 6901) as a URI fragment."),
          }),
        )
        .optional()
        .describe("What is wrong with the body or the query, place by place."),
    })
    .describe("Problem details (RFC 9457). Some problems have further members."),
);

const HEADERS = new Headers({ "Content-Type": "application/problem+json", "Cache-Control": "private, no-store", ...SAFE_HEADERS });

/** The members of problem details. */
export function problemMembers(problem: Problem, { requestId }: Pick<Call, "requestId">): z.infer<typeof problemSchema> {
  return {
    type: "about:blank",
    title: problem.title,
    status: problem.status,
    detail: problem.detail,
    code: problem.code,
    request_id: requestId,
    ...(problem.faults.length > 0
      ? { errors: problem.faults.map((fault) => ({ detail: fault.detail, pointer: pointer(fault.path) })) }
      : {}),
    ...problem.members,
  };
}

/** For `Dialect.refuse`. */
export function problemDetails(problem: Problem, call: Pick<Call, "requestId">): Response {
  const answer = new Response(JSON.stringify(problemMembers(problem, call)), { status: problem.status, headers: HEADERS });
  return withHeaders(answer, problem.headers);
}
