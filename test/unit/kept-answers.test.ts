/** What an isolate keeps of answers: by account, for a time, and within its bounds. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { KeptAnswers } from "../../src/http/kept-answers.ts";
import { KEPT_ANSWERS, KEPT_ANSWERS_CHARACTERS, KEPT_ANSWER_CHARACTERS, KEPT_ANSWER_MS } from "../../src/limits.ts";

const answer = (text: string) => ({ dialect: "own", access: "read" as const, text, headers: {} });

test("an answer is kept for its account and URL, until its time", () => {
  const kept = new KeptAnswers<string>();
  kept.keep("a", "https://x.test/1", answer("one"), 1_000, 0);
  expect(kept.get("a", "https://x.test/1", 1_000)?.text).toBe("one");
  expect(kept.get("a", "https://x.test/1", 1_000 + KEPT_ANSWER_MS - 1)?.text).toBe("one");
  expect(kept.get("a", "https://x.test/1", 1_000 + KEPT_ANSWER_MS)).toBe(null);
  expect(kept.get("b", "https://x.test/1", 1_000)).toBe(null);
  expect(kept.get("a", "https://x.test/2", 1_000)).toBe(null);
});

test("an answer that is too long is not kept", () => {
  const kept = new KeptAnswers<string>();
  kept.keep("a", "u", answer("x".repeat(KEPT_ANSWER_CHARACTERS)), 0, 0);
  expect(kept.get("a", "u", 0)).toBe(null);
});

test("the oldest makes room for the newest, by number and by characters", () => {
  const byNumber = new KeptAnswers<string>();
  for (let nth = 0; nth <= KEPT_ANSWERS; nth++) byNumber.keep("a", `u${nth}`, answer("x"), 0, 0);
  expect([byNumber.get("a", "u0", 0), byNumber.get("a", "u1", 0)?.text]).toEqual([null, "x"]);
  const byLength = new KeptAnswers<string>();
  const text = "x".repeat(KEPT_ANSWER_CHARACTERS - 10);
  const most = Math.floor(KEPT_ANSWERS_CHARACTERS / (text.length + 5));
  for (let nth = 0; nth < most + 2; nth++) byLength.keep("a", `u${String(nth).padStart(4, "0")}`, answer(text), 0, 0);
  expect(byLength.get("a", "u0000", 0)).toBe(null);
  expect(byLength.get("a", `u${String(most + 1).padStart(4, "0")}`, 0)?.text).toBe(text);
});

test("what is forgotten is exactly what one account's URLs with a text in them had", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom("a", "b"), fc.nat(5), fc.constantFrom("id1", "id2"))), (made) => {
      const kept = new KeptAnswers<string>();
      for (const [account, nth, id] of made) kept.keep(account, `u${nth}/${id}`, answer("x".repeat(nth)), 0, 0);
      kept.forget("a", "id1");
      for (const [account, nth, id] of made) expect(kept.get(account, `u${nth}/${id}`, 0) === null).toBe(account === "a" && id === "id1");
    }),
  );
});

test("an answer that was begun before a change is not kept", () => {
  const kept = new KeptAnswers<string>();
  const before = kept.changes;
  kept.forget("a", "id1");
  kept.keep("a", "u/id1", answer("old"), 0, before);
  expect(kept.get("a", "u/id1", 0)).toBe(null);
  kept.keep("a", "u/id1", answer("new"), 0, kept.changes);
  expect(kept.get("a", "u/id1", 0)?.text).toBe("new");
});
