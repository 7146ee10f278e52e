/** What an isolate keeps of answers: by account, for a time, and within its bounds. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { CallCounts } from "../../src/http/calls.ts";
import { KeptAnswers } from "../../src/http/kept-answers.ts";
import { KEPT_ANSWERS, KEPT_ANSWERS_CHARACTERS, KEPT_ANSWER_CHARACTERS, KEPT_ANSWER_MS } from "../../src/limits.ts";
import { Observed } from "../../src/metrics/observed.ts";

const ID1 = "01a22521-8df5-74c6-8fbf-9b4001b00001";
const ID2 = "01a22521-8df5-74c6-8fbf-9b4001b00002";
const OF_ID1 = `https://x.test/${ID1}`;

const counts = new CallCounts(new Observed(() => 0), "claimcheck", "GET", "/v1/inferences/:id");
const answer = (text: string) => ({
  dialect: text,
  access: "read" as const,
  counts,
  characters: text.length,
  isSafe: true,
  again: () => new Response(text),
});

test("an answer is kept for its account and URL, until its time", () => {
  const kept = new KeptAnswers<string>();
  kept.keep("a", OF_ID1, answer("one"), 1_000, 0);
  expect(kept.get("a", OF_ID1, 1_000)?.dialect).toBe("one");
  expect(kept.get("a", OF_ID1, 1_000 + KEPT_ANSWER_MS - 1)?.dialect).toBe("one");
  expect(kept.get("a", OF_ID1, 1_000 + KEPT_ANSWER_MS)).toBe(null);
  expect(kept.get("b", OF_ID1, 1_000)).toBe(null);
  expect(kept.get("a", `https://x.test/${ID2}`, 1_000)).toBe(null);
});

test("an answer that is too long is not kept", () => {
  const kept = new KeptAnswers<string>();
  kept.keep("a", OF_ID1, answer("x".repeat(KEPT_ANSWER_CHARACTERS)), 0, 0);
  expect(kept.get("a", OF_ID1, 0)).toBe(null);
});

test("the oldest makes room for the newest, by number and by characters", () => {
  const byNumber = new KeptAnswers<string>();
  for (let nth = 0; nth <= KEPT_ANSWERS; nth++) byNumber.keep("a", `u${nth}/${ID1}`, answer("x"), 0, 0);
  expect([byNumber.get("a", `u0/${ID1}`, 0), byNumber.get("a", `u1/${ID1}`, 0)?.dialect]).toEqual([null, "x"]);
  const byLength = new KeptAnswers<string>();
  const text = "x".repeat(KEPT_ANSWER_CHARACTERS - ID1.length - 10);
  const url = (nth: number) => `u${String(nth).padStart(4, "0")}/${ID1}`;
  const most = Math.floor(KEPT_ANSWERS_CHARACTERS / (text.length + url(0).length));
  for (let nth = 0; nth < most + 2; nth++) byLength.keep("a", url(nth), answer(text), 0, 0);
  expect(byLength.get("a", url(0), 0)).toBe(null);
  expect(byLength.get("a", url(most + 1), 0)?.dialect).toBe(text);
});

test("what is forgotten is exactly what one account's URLs with an id in them had, in whichever letters", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom("a", "b"), fc.nat(5), fc.constantFrom(ID1, ID2))), (made) => {
      const kept = new KeptAnswers<string>();
      for (const [account, nth, id] of made) kept.keep(account, `u${nth}/${id}`, answer("x".repeat(nth)), 0, 0);
      kept.forget("a", ID1.toUpperCase());
      for (const [account, nth, id] of made) expect(kept.get(account, `u${nth}/${id}`, 0) === null).toBe(account === "a" && id === ID1);
    }),
  );
});

test("an answer that was begun before a change is not kept", () => {
  const kept = new KeptAnswers<string>();
  const before = kept.changes;
  kept.forget("a", ID1);
  kept.keep("a", OF_ID1, answer("old"), 0, before);
  expect(kept.get("a", OF_ID1, 0)).toBe(null);
  kept.keep("a", OF_ID1, answer("new"), 0, kept.changes);
  expect(kept.get("a", OF_ID1, 0)?.dialect).toBe("new");
});

test("an answer whose URL names no id is not kept, since nothing could forget it", () => {
  const kept = new KeptAnswers<string>();
  kept.keep("a", "https://x.test/v1/models", answer("x"), 0, 0);
  expect(kept.get("a", "https://x.test/v1/models", 0)).toBe(null);
});
