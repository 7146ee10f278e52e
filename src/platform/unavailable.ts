/**
 * The platform's own faults. A binding may fail, stall for a minute, or fail after it did what it was asked; whoever
 * waits for one gets an answer within a time limit, and one kind of error that says "try again", never a bug's.
 */

/** A part of the platform did not answer, or said that it can't right now. Whether it did what it was asked is unknown. */
export class Unavailable extends Error {
  readonly part: string;
  /** It stalled, so that asking again at once is no use. */
  readonly stalled: boolean;

  constructor(part: string, stalled: boolean, cause?: unknown) {
    super(`${part} ${stalled ? "did not answer in time" : "failed"}`, { cause });
    this.name = "Unavailable";
    this.part = part;
    this.stalled = stalled;
  }
}

/** Errors of the database that asking again would not mend: they are ours. */
const OURS = /SQLITE_(?:CONSTRAINT|ERROR|MISMATCH|TOOBIG|RANGE|MISUSE)/;

/** Asks a part of the platform, within `limitMs`. Throws Unavailable, or what is wrong with the question itself. */
export async function ask<T>(part: string, limitMs: number, question: () => Promise<T>): Promise<T> {
  const { promise: late, resolve } = Promise.withResolvers<typeof LATE>();
  const timer = setTimeout(() => resolve(LATE), limitMs);
  try {
    const answer = await Promise.race([question(), late]);
    if (answer === LATE) throw new Unavailable(part, true);
    return answer;
  } catch (error) {
    if (error instanceof Unavailable || (error instanceof Error && OURS.test(error.message))) throw error;
    throw new Unavailable(part, false, error);
  } finally {
    clearTimeout(timer);
  }
}

const LATE = Symbol("late");

/** Asks once more where the first answer was a failure, not a stall; only for questions that may be asked twice. */
export async function askAgain<T>(question: () => Promise<T>): Promise<T> {
  try {
    return await question();
  } catch (error) {
    if (!(error instanceof Unavailable) || error.stalled) throw error;
    return question();
  }
}
