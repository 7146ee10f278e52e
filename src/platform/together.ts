/**
 * Questions of several requests of one isolate, asked as one. A question that comes when few are under way is asked at once;
 * those that come while they are wait, and go together in the next. An answer is never older than its question. Who asks
 * for others does so in `after` too, so that it goes on when its own client has left, and may go on with the next group; whoever
 * waits looks by a clock of its own, so that one that is gone all the same holds up nobody for long. Each is woken only once, by its
 * answer, since waking a request costs the runtime a large part of what a short request costs.
 */
import { Unavailable } from "./unavailable.ts";
import { TOGETHER, TOGETHER_GATHER_MS, TOGETHER_LOOK_ALONE_MS, TOGETHER_LOOK_MS, TOGETHER_LOST_MS } from "../limits.ts";
import { REQUESTS_WAKE } from "./requests-wake.ts";

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
  /** Has it look. */
  wake: () => void;
}

interface UnderWay {
  readonly done: Promise<void>;
  readonly since: number;
  /** Of so many questions. */
  readonly size: number;
}

/** Answers any number of questions in their order, in one round trip. */
type AskAll<Question, Answer> = (questions: readonly Question[]) => Promise<readonly Answer[]>;

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
  /** While one is under way, the next begins so much later at the earliest; at once if that is not said. */
  readonly apartMs?: number;
  /** So many times who asks for others does so, one after the other, before one of those that wait takes over; once if that is not said. */
  readonly rounds?: number;
  /** So long at most the next waits for those that were just answered to come again; not at all if that is not said. */
  readonly gatherMs?: number;
}

/** If requests can't wake each other, whoever waits looks by its clock alone, and so more often. */
const LOOK_MS = REQUESTS_WAKE ? TOGETHER_LOOK_MS : TOGETHER_LOOK_ALONE_MS;

export class Together<Question, Answer> {
  readonly #clock: Clock;
  readonly #bounds: Required<Bounds>;
  readonly #waiting = new Set<Waiting<Question, Answer>>();
  readonly #underWay = new Set<UnderWay>();
  #begunAt = -Infinity;
  #gatheringSince = -Infinity;
  /** How many questions have come or gone. */
  #moves = 0;
  /** How many the last round trip has answered that is over. */
  #answered = 0;
  /** Whether those who are answered seem to ask again at once: the last time as many came as were answered, and faster than before. */
  #comeAgain = true;
  /** When so many wait, all have come that were waited for. */
  #wanted = Infinity;
  #haveCome = () => {};

  constructor(clock: Clock, bounds: Bounds = TOGETHER) {
    this.#clock = clock;
    const { apartMs = 0, rounds = 1, gatherMs = 0 } = bounds;
    this.#bounds = { ...bounds, rounds, gatherMs, apartMs: REQUESTS_WAKE ? apartMs : 0 };
  }

  /**
   * The answer to one question. `askAll` answers any number of them in their order, in one round trip; it is called in one of
   * the requests that wait. `known` is an answer that others' questions have brought meanwhile, if there is one. Throws what
   * they throw.
   */
  async ask(question: Question, askAll: AskAll<Question, Answer>, after: After, known: () => Answer | null = () => null): Promise<Answer> {
    const mine: Waiting<Question, Answer> = { question, outcome: null, underWay: null, lookedAt: 0, wake: () => {} };
    this.#moves++;
    try {
      for (;;) {
        mine.lookedAt = this.#clock.now();
        if (mine.outcome) return mine.outcome();
        const mayBegin = this.#mayBegin();
        const isAsked = mine.underWay !== null && this.#underWay.has(mine.underWay);
        const answer = isAsked ? null : known(); // its own answer is on its way, and nobody else takes that
        if (answer !== null) return answer;
        if (!isAsked) this.#waiting.add(mine);
        if (this.#waiting.size >= this.#wanted) this.#haveCome();
        if (isAsked || !mayBegin) {
          const woken = new Promise<void>((resolve) => (mine.wake = REQUESTS_WAKE ? resolve : () => {}));
          await Promise.race([woken, this.#clock.sleep(LOOK_MS)]);
        } else await this.#lead(askAll, after);
      }
    } finally {
      this.#moves++;
      this.#waiting.delete(mine);
    }
  }

  /** Whether another round trip may begin now. Forgets what will not end. */
  #mayBegin(): boolean {
    const now = this.#clock.now();
    for (const one of this.#underWay) if (now - one.since >= TOGETHER_LOST_MS) this.#underWay.delete(one);
    if (now - this.#gatheringSince < TOGETHER_LOOK_MS) return false;
    const { size } = this.#underWay;
    return size === 0 || (size < this.#bounds.underWay && now - this.#begunAt >= this.#bounds.apartMs);
  }

  /** Asks what waits, and goes on with what comes meanwhile. Returns when the first are answered. Never throws. */
  async #lead(askAll: AskAll<Question, Answer>, after: After): Promise<void> {
    const first = this.#begin(askAll);
    after(this.#goOn(first, askAll));
    await first.done;
  }

  async #goOn(first: UnderWay, askAll: AskAll<Question, Answer>): Promise<void> {
    let last = first;
    let rounds = 1;
    for (; rounds < this.#bounds.rounds && (await this.#isNext(last)); rounds++) last = this.#begin(askAll);
    await last.done;
    if (rounds === this.#bounds.rounds) await this.#gather(last);
    for (const one of this.#waiting) one.wake(); // the first of them that is still there asks for all
  }

  /** Waits until there is another round trip to begin after this one; false if it is over and there is none. */
  async #isNext(last: UnderWay): Promise<boolean> {
    for (;;) {
      await Promise.race([last.done, this.#clock.sleep(this.#bounds.apartMs)]);
      const isOver = !this.#underWay.has(last);
      if (isOver) await this.#gather(last);
      if (this.#waiting.size > 0 && this.#mayBegin()) return true;
      if (isOver) return false;
      await last.done;
    }
  }

  /**
   * Of many who were answered together many ask again at once: where they are most of those who ask, whoever comes first waits for the
   * others, until nobody has come or gone for a while. While they are answered, none of them can come. Where questions come evenly, whoever
   * is answered, it waits no more than a moment.
   */
  async #gather({ size, since: begunAt }: UnderWay): Promise<void> {
    const { gatherMs, most } = this.#bounds;
    const [since, cameBefore] = [this.#clock.now(), this.#waiting.size];
    // As many came while these were asked as were answered before: with more patience they would have gone together.
    if (cameBefore >= this.#answered && this.#answered > Math.min(2 * size, 7)) this.#comeAgain = true;
    this.#answered = size;
    if (size === 1 || gatherMs === 0 || cameBefore > size / 2) return;
    const longestMs = this.#comeAgain ? gatherMs : 1;
    this.#gatheringSince = since;
    this.#wanted = Math.min(most, size + cameBefore);
    const allHaveCome = new Promise<void>((resolve) => (this.#haveCome = REQUESTS_WAKE ? resolve : () => {}));
    for (let moves = NaN; moves !== this.#moves && this.#waiting.size < this.#wanted && this.#clock.now() - since < longestMs;) {
      moves = this.#moves;
      await Promise.race([allHaveCome, this.#clock.sleep(Math.min(TOGETHER_GATHER_MS, longestMs))]);
    }
    const came = this.#waiting.size - cameBefore;
    const [tookMs, underWayMs] = [this.#clock.now() - since, since - begunAt];
    this.#comeAgain = this.#waiting.size >= this.#wanted && came * underWayMs > 2 * Math.max(1, cameBefore) * tookMs;
    this.#wanted = Infinity;
    this.#gatheringSince = -Infinity;
  }

  /** Asks what waits, at most so much. Never throws. */
  #begin(askAll: AskAll<Question, Answer>): UnderWay {
    const now = this.#clock.now();
    const asked: Waiting<Question, Answer>[] = [];
    for (const one of this.#waiting) {
      if (asked.length === this.#bounds.most) break;
      this.#waiting.delete(one);
      if (one.lookedAt >= now - TOGETHER_LOST_MS) asked.push(one);
    }
    const giving = asked.length > 0 ? give(asked, askAll) : Promise.resolve();
    const done = giving.finally(() => {
      this.#underWay.delete(underWay);
      for (const one of asked) one.wake();
    });
    const underWay: UnderWay = { done, since: now, size: asked.length };
    for (const one of asked) one.underWay = underWay;
    this.#underWay.add(underWay);
    this.#begunAt = now;
    return underWay;
  }
}

/**
 * Gives each question its answer, or all of them the platform's failure. What is wrong with one question spoils no other's
 * answer: then each is asked alone. Never rejects.
 */
export async function give<Question, Answer>(asked: readonly Asked<Question, Answer>[], askAll: AskAll<Question, Answer>): Promise<void> {
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
