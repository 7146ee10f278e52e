/**
 * Questions of several requests of one isolate, asked as one. A question that comes when few are under way is asked at once;
 * those that come while they are wait, and go together in the next. An answer is never older than its question. Who asks
 * for others does so in `after` too, so that it goes on when its own client has left; whoever waits looks by a clock of its
 * own, so that one that is gone all the same holds up nobody for long.
 */
import { Unavailable } from "./unavailable.ts";
import { TOGETHER_LOOK_MS, TOGETHER_LOST_MS, TOGETHER_MOST, TOGETHER_UNDER_WAY } from "../limits.ts";

/** Keeps a request's work going after its answer: `waitUntil`. */
type After = (work: Promise<unknown>) => void;

/** A question, and what came of it once it is answered: the answer, or what is thrown instead. */
export interface Asked<Question, Answer> {
  readonly question: Question;
  outcome: (() => Answer) | null;
}

interface Waiting<Question, Answer> extends Asked<Question, Answer> {
  /** The round trip that it went with. */
  underWay: UnderWay | null;
  /** When it looked last; a question whose client has left does not look again, and is not asked. */
  lookedAt: number;
}

interface UnderWay {
  readonly done: Promise<void>;
  readonly since: number;
}

/** The clock of the isolate. */
interface Clock {
  now(): number;
  sleep(ms: number): Promise<void>;
}

interface Bounds {
  /** So many may be under way before questions wait for each other. */
  readonly underWay: number;
  /** So many go together. */
  readonly most: number;
}

export class Together<Question, Answer> {
  readonly #clock: Clock;
  readonly #bounds: Bounds;
  readonly #waiting = new Set<Waiting<Question, Answer>>();
  readonly #underWay = new Set<UnderWay>();

  constructor(clock: Clock, bounds: Bounds = { underWay: TOGETHER_UNDER_WAY, most: TOGETHER_MOST }) {
    this.#clock = clock;
    this.#bounds = bounds;
  }

  /**
   * The answer to one question. `askAll` answers any number of them in their order, in one round trip; it is called in one of
   * the requests that wait. `known` is an answer that others' questions have brought meanwhile, if there is one. Throws what
   * they throw.
   */
  async ask(
    question: Question,
    askAll: (questions: readonly Question[]) => Promise<readonly Answer[]>,
    after: After,
    known: () => Answer | null = () => null,
  ): Promise<Answer> {
    const mine: Waiting<Question, Answer> = { question, outcome: null, underWay: null, lookedAt: 0 };
    try {
      for (;;) {
        mine.lookedAt = this.#clock.now();
        if (mine.outcome) return mine.outcome();
        const answer = known();
        if (answer !== null) return answer;
        const alive = this.#alive();
        const isAsked = mine.underWay !== null && this.#underWay.has(mine.underWay);
        if (!isAsked) this.#waiting.add(mine);
        if (isAsked || alive.length >= this.#bounds.underWay) {
          await Promise.race([...alive.map(({ done }) => done), this.#clock.sleep(TOGETHER_LOOK_MS)]);
        } else await this.#lead(askAll, after);
      }
    } finally {
      this.#waiting.delete(mine);
    }
  }

  /** Those under way that may still end. */
  #alive(): UnderWay[] {
    const now = this.#clock.now();
    for (const one of this.#underWay) if (now - one.since >= TOGETHER_LOST_MS) this.#underWay.delete(one);
    return [...this.#underWay];
  }

  /** Asks what waits, at most so much. Never throws. */
  async #lead(askAll: (questions: readonly Question[]) => Promise<readonly Answer[]>, after: After): Promise<void> {
    const { promise: done, resolve } = Promise.withResolvers<void>();
    const now = this.#clock.now();
    const underWay = { done, since: now };
    this.#underWay.add(underWay);
    const asked: Waiting<Question, Answer>[] = [];
    for (const one of this.#waiting) {
      if (asked.length === this.#bounds.most) break;
      this.#waiting.delete(one);
      if (one.lookedAt < now - TOGETHER_LOST_MS) continue;
      one.underWay = underWay;
      asked.push(one);
    }
    const answered = give(asked, askAll).finally(() => {
      this.#underWay.delete(underWay);
      resolve();
    });
    after(answered);
    await answered;
  }
}

/**
 * Gives each question its answer, or all of them the platform's failure. What is wrong with one question spoils no other's
 * answer: then each is asked alone. Never rejects.
 */
export async function give<Question, Answer>(
  asked: readonly Asked<Question, Answer>[],
  askAll: (questions: readonly Question[]) => Promise<readonly Answer[]>,
): Promise<void> {
  try {
    const answers = await askAll(asked.map(({ question }) => question));
    for (const [place, one] of asked.entries()) one.outcome = () => answers[place] as Answer; // as many as were asked
  } catch (error) {
    if (asked.length > 1 && !(error instanceof Unavailable)) {
      await Promise.all(asked.map((one) => give([one], askAll)));
      return;
    }
    const fail = () => {
      throw error;
    };
    for (const one of asked) one.outcome = fail;
  }
}
