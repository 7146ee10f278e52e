/** What the index by account lacks is in the head of its lane, whatever has come before it since. */
import { HEAD } from "../platform/engine.ts";
import type { Change } from "../platform/rows.ts";
import { type Lives, goesBefore, laneOf } from "./lives.ts";

export class Heads {
  readonly #lives: Lives;

  constructor(lives: Lives) {
    this.#lives = lives;
  }

  /** After a transaction that has made these changes. */
  see(changes: readonly Change[]): void {
    const lanes = new Set(changes.flatMap((change) => (change.of === "inferences" ? [laneOf(change.row)] : [])));
    for (const lane of lanes) {
      const beyond = this.#lives.claimable(lane).toSorted((one, other) => (goesBefore(one.row, other.row) ? -1 : 1));
      for (const { row, job } of beyond.slice(HEAD)) {
        if (row.byAccount === 0)
          this.#lives.violate("an account's own are found", `#${job} is beyond the head of ${lane}, and not in the index`);
      }
    }
  }
}
