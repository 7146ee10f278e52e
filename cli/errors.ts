/** What a command ends with when it does not succeed, and the exit code of each. */

export const EXIT = {
  ok: 0,
  /** What was asked for was done, and did not succeed: an inference failed, a check failed. */
  failed: 1,
  /** The command was given wrongly. */
  usage: 2,
  /** The key or the token is missing, wrong, or not allowed to. */
  access: 3,
  notFound: 4,
  /** The deployment refused what was asked. */
  refused: 5,
  /** The deployment did not answer, or can't now. */
  unavailable: 6,
  /** Ctrl-C, as shells count it. */
  interrupted: 130,
} as const;

export class CommandError extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

export class UsageError extends CommandError {
  constructor(message: string) {
    super(message, EXIT.usage);
  }
}

/** An answer that is a refusal: problem details. */
export class Refused extends CommandError {
  readonly status: number;
  readonly code: string;

  constructor(status: number, body: string) {
    const problem = problemIn(body);
    const faults = problem?.errors ?? [];
    const places = faults.length > 1 ? faults.map(({ pointer, detail }) => `\n  ${pointer} ${detail}`).join("") : "";
    const request = problem?.request_id ? ` (request ${problem.request_id})` : "";
    super(`${problem?.detail ?? `the deployment answered ${status}: ${body.slice(0, 300)}`}${places}${request}`, exitCodeOf(status));
    this.status = status;
    this.code = problem?.code ?? "unknown";
  }
}

interface Problem {
  readonly code?: string;
  readonly detail?: string;
  readonly request_id?: string;
  readonly errors?: readonly { readonly detail: string; readonly pointer: string }[];
}

function problemIn(body: string): Problem | null {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === "object" && value !== null ? value : null;
  } catch {
    return null; // a proxy's page, which is shown as it is
  }
}

function exitCodeOf(status: number): number {
  if (status === 401 || status === 403) return EXIT.access;
  if (status === 404 || status === 410) return EXIT.notFound;
  return status === 429 || status >= 500 ? EXIT.unavailable : EXIT.refused;
}
