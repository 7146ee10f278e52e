/** What a command ends with when it does not succeed, and the exit code of each. */
import { ApiError, ConnectionFailed } from "../client/typescript/errors.ts";

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
  /** Nobody reads the output any more, as shells count it. */
  pipeClosed: 141,
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

const FILE_FAULTS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  EACCES: "this is not allowed",
  EPERM: "this is not allowed",
  EROFS: "its disk can only be read",
  EISDIR: "it is a folder",
  EEXIST: "there is a file in its place",
  ENOTDIR: "a file stands where its path has a folder",
};

/** Why a file can't be read or written, in words where there are some. */
export function fileFaultOf(error: unknown): string {
  const { code = String(error) } = error as NodeJS.ErrnoException; // as node:fs throws
  return FILE_FAULTS[code] ?? code;
}

/** An error as a command ends with it; null if it is a fault of the program's own. */
export function commandErrorOf(error: unknown, url: string): CommandError | null {
  if (error instanceof CommandError) return error;
  if (error instanceof ApiError) return new CommandError(refusalOf(error), exitCodeOf(error.status));
  // A file that can't be written after all, such as on a full disk.
  if (error instanceof Error && "syscall" in error && "path" in error) return new CommandError(error.message, EXIT.failed);
  if (error instanceof ConnectionFailed) return new CommandError(`${url} does not answer: ${causeOf(error)}`, EXIT.unavailable);
  return null;
}

/** What a deployment says of what it refuses, with each place that is wrong if there are several. */
export function refusalOf({ detail, errors, requestId }: ApiError): string {
  const places = errors.length > 1 ? errors.map(({ pointer, detail: what }) => `\n${pointer} ${what}`).join("") : "";
  return `${detail}${requestId ? ` (request ${requestId})` : ""}${places}`;
}

/** In words; what fetch throws has its cause inside. */
export function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? causeOf(error.cause) : error.message;
}

export function exitCodeOf(status: number): number {
  if (status === 401 || status === 403) return EXIT.access;
  if (status === 404 || status === 410) return EXIT.notFound;
  return status === 429 || status >= 500 ? EXIT.unavailable : EXIT.refused;
}
