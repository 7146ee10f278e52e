/** Questions that go together: each answered once, by a statement that began after it, whoever leaves meanwhile. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TOGETHER, TOGETHER_LOST_MS } from "../../src/limits.ts";
import { Together } from "../../src/platform/together.ts";

/** A clock whose time goes on when nothing else does. */
function timeline() {
  const due: { readonly at: number; readonly run: () => void }[] = [];
  const clock = {
    at: 0,
    now: () => clock.at,
    sleep: (ms: number) => new Promise<void>((resolve) => due.push({ at: clock.at + ms, run: resolve })),
  };
  const run = async (untilMs = Infinity) => {
    for (;;) {
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
      due.sort((a, b) => a.at - b.at);
      if ((due[0]?.at ?? Infinity) > untilMs) return;
      const next = due.shift();
      if (!next) return;
      clock.at = Math.max(clock.at, next.at);
      next.run();
    }
  };
  return { clock, run };
}

const nothing = () => {};
/** What does not have to begin apart. */
const AT_ONCE = { underWay: 4, most: 50 };

describe("questions that come together", () => {
  test("are each answered, by a statement that began after them, and few statements are under way at once", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(200), fc.nat(3)), { minLength: 1, maxLength: 120 }),
        fc.integer({ min: 1, max: 60 }),
        fc.constantFrom(TOGETHER, AT_ONCE, { ...TOGETHER, most: 3, rounds: 2 }),
        async (asked, lastsMs, bounds) => {
          const { clock, run } = timeline();
          const together = new Together<number, { readonly of: number; readonly begunAt: number }>(clock, bounds);
          let underWay = 0;
          let most = 0;
          let statements = 0;
          const askAll = async (questions: readonly number[]) => {
            statements++;
            most = Math.max(most, ++underWay);
            expect(questions.length).toBeLessThanOrEqual(bounds.most);
            const begunAt = clock.now();
            await clock.sleep(lastsMs);
            underWay--;
            return questions.map((of) => ({ of, begunAt }));
          };
          const answers = asked.map(async ([atMs, question]) => {
            await clock.sleep(atMs);
            const askedAt = clock.now();
            const answer = await together.ask(question, askAll, nothing);
            expect(answer.of).toBe(question);
            expect(answer.begunAt).toBeGreaterThanOrEqual(askedAt);
          });
          await run();
          await Promise.all(answers);
          expect(most).toBeLessThanOrEqual(bounds.underWay);
          expect(statements).toBeLessThanOrEqual(asked.length);
        },
      ),
      { numRuns: 100 },
    );
  });

  test("need no more statements than are under way at once, and one for the rest", async () => {
    const { clock, run } = timeline();
    const together = new Together<number, number>(clock, AT_ONCE);
    const sizes: number[] = [];
    const askAll = async (questions: readonly number[]) => {
      sizes.push(questions.length);
      await clock.sleep(10);
      return questions;
    };
    const answers = Promise.all(Array.from({ length: 40 }, (_, question) => together.ask(question, askAll, nothing)));
    await run();
    expect(await answers).toEqual(Array.from({ length: 40 }, (_, question) => question));
    expect(sizes).toEqual([...Array.from({ length: AT_ONCE.underWay }, () => 1), 40 - AT_ONCE.underWay]);
  });

  test.each([
    ["the one under way is over soon", 2, [1, 39]],
    ["it takes long, for a moment", 40, [1, 39]],
  ])("wait for each other where they are to begin apart: if %s", async (_, lastsMs, wanted) => {
    const { clock, run } = timeline();
    const together = new Together<number, number>(clock);
    const begun: { readonly size: number; readonly at: number }[] = [];
    const askAll = async (questions: readonly number[]) => {
      begun.push({ size: questions.length, at: clock.now() });
      await clock.sleep(lastsMs);
      return questions;
    };
    const answers = Promise.all(Array.from({ length: 40 }, (_one, question) => together.ask(question, askAll, nothing)));
    await run();
    await answers;
    expect(begun.map(({ size }) => size)).toEqual(wanted);
    expect(begun[1]?.at).toBe(Math.min(lastsMs, TOGETHER.apartMs));
  });

  test("of clients that ask again once they are answered go in one group, however long they take to be answered and to come", async () => {
    const { clock, run } = timeline();
    const together = new Together<number, number>(clock);
    const begun: number[] = [];
    const askAll = async (questions: readonly number[]) => {
      begun.push(questions.length);
      await clock.sleep(3);
      return questions;
    };
    const client = async (place: number) => {
      for (let times = 0; times < 12; times++) {
        await together.ask(place, askAll, nothing);
        await clock.sleep(1 + place / 4); // one after the other
      }
    };
    const all = Promise.all(Array.from({ length: 32 }, (_, place) => client(place)));
    await run();
    await all;
    expect(begun).toEqual([1, 31, ...Array.from({ length: 11 }, () => 32)]);
  });

  test("of clients that do not ask again hardly wait for each other", async () => {
    const { clock, run } = timeline();
    const together = new Together<number, number>(clock);
    const took: number[] = [];
    const askAll = async (questions: readonly number[]) => {
      await clock.sleep(3);
      return questions;
    };
    const client = async (place: number) => {
      await clock.sleep(1.7 * place);
      const askedAt = clock.now();
      await together.ask(place, askAll, nothing);
      took.push(clock.now() - askedAt);
    };
    const all = Promise.all(Array.from({ length: 200 }, (_, place) => client(place)));
    await run();
    await all;
    const mean = took.reduce((sum, ms) => sum + ms, 0) / took.length;
    expect(mean).toBeLessThan(5); // half of what is under way, and its own
  });

  test("are asked by one request for as many groups as it may, then by another", async () => {
    const { clock, run } = timeline();
    const together = new Together<number, number>(clock, { ...TOGETHER, underWay: 1, most: 2, rounds: 3 });
    const leaders: number[] = [];
    const asking = (own: number) => async (questions: readonly number[]) => {
      leaders.push(own);
      await clock.sleep(10);
      return questions;
    };
    const answers = Promise.all(Array.from({ length: 11 }, (_, question) => together.ask(question, asking(question), nothing)));
    await run();
    expect(await answers).toEqual(Array.from({ length: 11 }, (_, question) => question));
    expect(leaders).toEqual([0, 0, 0, 5, 5, 5]);
  });

  test("are asked by one that waits when who asks for all is gone between two groups", async () => {
    const { clock, run } = timeline();
    const together = new Together<number, number>(clock);
    const never = () => new Promise<readonly number[]>(nothing);
    void together.ask(0, never, nothing);
    const left = together.ask(1, async (questions) => questions, nothing);
    await run(TOGETHER_LOST_MS * 2);
    expect(await left).toBe(1);
  });

  test("fail together, each with the cause, and the next one is asked anew", async () => {
    const { clock, run } = timeline();
    const together = new Together<number, number>(clock);
    let fails = true;
    const askAll = async (questions: readonly number[]) => {
      await clock.sleep(10);
      if (fails) throw new Error("the database stalled");
      return questions;
    };
    const first = Promise.allSettled(Array.from({ length: 8 }, (_, question) => together.ask(question, askAll, nothing)));
    await run();
    expect((await first).map((outcome) => outcome.status)).toEqual(Array.from({ length: 8 }, () => "rejected"));
    fails = false;
    const again = together.ask(7, askAll, nothing);
    await run();
    expect(await again).toBe(7);
  });

  test("are asked by another when those that asked are gone with their requests", async () => {
    const { clock, run } = timeline();
    const together = new Together<number, number>(clock, AT_ONCE);
    const never = () => new Promise<readonly number[]>(nothing);
    for (let gone = 0; gone < AT_ONCE.underWay; gone++) void together.ask(gone, never, nothing);
    const answer = together.ask(7, async (questions) => questions, nothing);
    await run(TOGETHER_LOST_MS * 2);
    expect(await answer).toBe(7);
    expect(clock.at).toBeGreaterThanOrEqual(TOGETHER_LOST_MS);
  });

  test("go on in the request that asked when its client has left", async () => {
    const { clock, run } = timeline();
    const together = new Together<number, number>(clock);
    const kept: Promise<unknown>[] = [];
    void together.ask(
      1,
      async (questions) => questions,
      (work) => kept.push(work),
    );
    await run();
    expect(kept).toHaveLength(1);
    await kept[0];
  });
});
