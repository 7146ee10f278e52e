/** The simulator itself: that a seed tells one story, that the flows pass, and that a bug would be found. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { MUTATIONS } from "../simulator/mutations.ts";
import { PLANTED_PAGE, plantedIn, withPlanted } from "../simulator/planted/table.ts";
import { simulate } from "../simulator/simulation.ts";
import { UNSOUND } from "../simulator/world.ts";

async function storyOf(seed: number): Promise<string[]> {
  const lines: string[] = [];
  await simulate(seed, { print: (line) => lines.push(line) });
  return lines;
}

test("the table of planted bugs has each of them, and a rule of its own that finds it", () => {
  const page = readFileSync(PLANTED_PAGE, "utf8");
  const found = plantedIn(page);
  expect(found.map(([bug]) => bug)).toEqual(MUTATIONS.map(({ name }) => name));
  expect(found.filter(([, rule]) => rule === "" || rule === UNSOUND)).toEqual([]);
  expect(withPlanted(page, found)).toBe(page);
});

describe("the simulator", () => {
  test("tells the same story of the same seed, line by line, whatever ran before", async () => {
    const first = await storyOf(7);
    const other = await storyOf(8);
    const again = await storyOf(7);
    expect(first.length).toBeGreaterThan(100);
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });

  test("runs one seed after the other, whoever asks, since each puts its own clock and keys in the place of the runtime's", async () => {
    const alone = await storyOf(9);
    const [one, other] = await Promise.all([storyOf(9), storyOf(9)]);
    expect(one).toEqual(alone);
    expect(other).toEqual(alone);
  });

  test("finds no rule broken, nothing lost, nothing doubled in 50 seeds", { timeout: 600_000 }, async ({ signal }) => {
    let [accepted, left] = [0, 0];
    for (let seed = 1; seed <= 50; seed++) {
      signal.throwIfAborted();
      const { violation, ledger } = await simulate(seed);
      expect(violation, `seed ${seed}`).toBeNull();
      expect(ledger).toMatchObject({ lost: 0, unexpected: 0, doubled: 0 });
      accepted += ledger.accepted;
      left += ledger.left;
    }
    expect(accepted).toBeGreaterThan(500);
    expect(left).toBeGreaterThan(20);
  });

  // With a seed that has found it; others may with other code, so more are looked at.
  test.for<[name: string, rule: string, first: number]>([
    ["a claim does not look at the level", "priority", 9],
    ["the sweep takes leases that live", "a live lease is not taken", 2],
    ["a back-off never ends", "acted on in time", 2],
    ["the sweep leaves to a request what that has lost", "left to a runner", 6],
    ["an unknown status of 5xx is final", "an answer comes to what it is", 2],
    ["an odd answer costs no attempt", "an answer comes to what it is", 2],
    ["a receiver's error counts as delivered", "delivered means taken", 3],
    ["a delivery that is sent again has another id", "a delivery keeps its id", 1],
    ["what goes is still counted", "quotas equal a recount", 2],
    ["tells are lost, and who watches does not look", "a reader hears of the end", 4],
    ["progress is written as often as a model says it", "progress is a running model's word", 28],
    ["a reader that comes back misses a byte", "a reader has every byte in order", 4],
    ["a second attempt's bytes are glued to the first's", "a reader has every byte in order", 4],
    ["what was rolled back is told", "a watcher sees every transition in order", 4],
    ["the usage of those that end together is counted twice", "usage equals a recount", 1],
    ["a filter by status is not looked at", "a watcher sees every transition in order", 28],
    ["who waits for an inference does so for 15 s more", "a poll that waits is answered at the end, or in its time", 8],
    ["a request lets go and does not close its call", "a slot is free when its call has ended", 15],
  ])("finds it when %s", { timeout: 120_000 }, async ([name, rule, first], { signal }) => {
    const mutation = MUTATIONS.find((each) => each.name === name) ?? expect.fail("no such planted bug");
    const broken: string[] = [];
    for (let seed = first; seed < first + 20 && broken.length === 0; seed++) {
      signal.throwIfAborted();
      const { violation } = await simulate(seed, { mutation });
      if (violation) broken.push(violation.rule);
    }
    expect(broken).toEqual([rule]);
  });
});
