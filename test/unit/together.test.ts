/** Questions that go together: each answered once, by a statement that began after it, whoever leaves meanwhile. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TOGETHER_LOST_MS, TOGETHER_MOST, TOGETHER_UNDER_WAY } from "../../src/limits.ts";
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

describe("questions that come together", () => {
  test("are each answered, by a statement that began after them, and few statements are under way at once", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(200), fc.nat(3)), { minLength: 1, maxLength: 120 }),
        fc.integer({ min: 1, max: 60 }),
        async (asked, lastsMs) => {
          const { clock, run } = timeline();
          const together = new Together<number, { readonly of: number; readonly begunAt: number }>(clock);
          let underWay = 0;
          let most = 0;
          let statements = 0;
          const askAll = async (questions: readonly number[]) => {
            statements++;
            most = Math.max(most, ++underWay);
            expect(questions.length).toBeLessThanOrEqual(TOGETHER_MOST);
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
          expect(most).toBeLessThanOrEqual(TOGETHER_UNDER_WAY);
          expect(statements).toBeLessThanOrEqual(asked.length);
        },
      ),
      { numRuns: 100 },
    );
  });

  test("need no more statements than are under way at once, and one for the rest", async () => {
    const { clock, run } = timeline();
    const together = new Together<number, number>(clock);
    const sizes: number[] = [];
    const askAll = async (questions: readonly number[]) => {
      sizes.push(questions.length);
      await clock.sleep(10);
      return questions;
    };
    const answers = Promise.all(Array.from({ length: 40 }, (_, question) => together.ask(question, askAll, nothing)));
    await run();
    expect(await answers).toEqual(Array.from({ length: 40 }, (_, question) => question));
    expect(sizes).toEqual([...Array.from({ length: TOGETHER_UNDER_WAY }, () => 1), 40 - TOGETHER_UNDER_WAY]);
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
    const together = new Together<number, number>(clock);
    const never = () => new Promise<readonly number[]>(nothing);
    for (let gone = 0; gone < TOGETHER_UNDER_WAY; gone++) void together.ask(gone, never, nothing);
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
