/**
 * Clients that repeat a 503 without heeding its Retry-After. Hugging Face's for JavaScript asks again at once and without end,
 * and ends at any other status. So a key that repeats one call that often before its Retry-After is over is told 429 instead,
 * which says the same to all who heed it. An isolate counts for itself, so the bound is a hint, as `Memory` is.
 */
import { MEMORY_THINGS, REPEATS_MAX, RETRY_AFTER_MAX_MS } from "../limits.ts";
import { Memory } from "../platform/memory.ts";
import { Problem } from "../problem.ts";

interface Told {
  readonly repeats: number;
  /** When its Retry-After is over. */
  readonly until: number;
}

const told = new Memory<Told>(MEMORY_THINGS);

/** A call as a client repeats it. */
export interface Repeatable {
  readonly keyId: string;
  readonly request: Request;
}

/** An answer as it is given to a client that may have repeated its call too often. */
export function answerAgainstRepeats(answer: Response, call: Repeatable, now: number): Response {
  if (answer.status !== 503) return answer;
  const status = statusAgainstRepeats(answer.headers, call, now);
  return status === 503 ? answer : new Response(answer.body, { status, headers: answer.headers });
}

/** The status in the place of a 503 with these headers. */
function statusAgainstRepeats(headers: Headers, { keyId, request }: Repeatable, now: number): number {
  const name = [keyId, request.method, request.url, request.headers.get("content-length") ?? ""].join(" ");
  const before = told.get(name, now);
  const repeats = before === undefined || now >= before.until ? 0 : before.repeats + 1;
  const until = now + Math.min(RETRY_AFTER_MAX_MS, 1000 * Math.max(1, Number(headers.get("retry-after")) || 0));
  told.set(name, { repeats, until }, until);
  return repeats >= REPEATS_MAX ? 429 : 503;
}

/** The same of a problem. */
export function problemAgainstRepeats(problem: Problem, call: Repeatable, now: number): Problem {
  if (problem.status !== 503) return problem;
  const { code, detail, faults, headers, members } = problem;
  const status = statusAgainstRepeats(new Headers(headers), call, now);
  if (status === 503) return problem;
  return new Problem(code, {
    detail: `${detail} This call was repeated before its Retry-After was over.`,
    faults,
    headers,
    members,
    status,
  });
}
