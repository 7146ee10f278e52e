/** The simulator itself: that a seed tells one story, that the flows pass, and that a bug would be found. */
import { describe, expect, test } from "vitest";
import { MUTATIONS } from "../simulator/mutations.ts";
import { simulate } from "../simulator/simulation.ts";

async function storyOf(seed: number): Promise<string[]> {
  const lines: string[] = [];
  await simulate(seed, { print: (line) => lines.push(line) });
  return lines;
}

describe("the simulator", () => {
  test("tells the same story of the same seed, line by line, whatever ran before", async () => {
    const first = await storyOf(7);
    const other = await storyOf(8);
    const again = await storyOf(7);
    expect(first.length).toBeGreaterThan(100);
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });

  test("finds no rule broken, nothing lost, nothing doubled in 50 seeds", { timeout: 60_000 }, async () => {
    let [accepted, left] = [0, 0];
    for (let seed = 1; seed <= 50; seed++) {
      const { violation, ledger } = await simulate(seed);
      expect(violation, `seed ${seed}`).toBeNull();
      expect(ledger).toMatchObject({ lost: 0, unexpected: 0, doubled: 0 });
      accepted += ledger.accepted;
      left += ledger.left;
    }
    expect(accepted).toBeGreaterThan(500);
    expect(left).toBeGreaterThan(20);
  });

  test.each([
    ["a claim does not look at the level", "priority"],
    ["the sweep takes leases that live", "a live lease is not taken"],
    ["a back-off never ends", "acted on in time"],
    ["the sweep leaves to a request what that has lost", "left to a runner"],
    ["an unknown status of 5xx is final", "an answer comes to what it is"],
    ["an odd answer costs no attempt", "an answer comes to what it is"],
    ["a receiver's error counts as delivered", "delivered means taken"],
    ["a delivery that is sent again has another id", "a delivery keeps its id"],
    ["what goes is still counted", "quotas equal a recount"],
    ["tells are lost, and who watches does not look", "a reader hears of the end"],
    ["progress is written as often as a model says it", "progress is a running model's word"],
    ["a reader that comes back misses a byte", "a reader has every byte in order"],
    ["a second attempt's bytes are glued to the first's", "a reader has every byte in order"],
    ["what was rolled back is told", "a watcher sees every transition in order"],
    ["a request lets go and does not close its call", "a slot is free when its call has ended"],
  ])("finds it when %s", { timeout: 30_000 }, async (name, rule) => {
    const mutation = MUTATIONS.find((each) => each.name === name) ?? expect.fail("no such planted bug");
    const broken: string[] = [];
    for (let seed = 1; seed <= 20 && broken.length === 0; seed++) {
      const { violation } = await simulate(seed, { mutation });
      if (violation) broken.push(violation.rule);
    }
    expect(broken).toEqual([rule]);
  });
});
