/** How many inferences runners end, and claim, in one transaction: a run is to have groups of many sizes, or bugs in them go unseen. */
import type { Change } from "../platform/rows.ts";
import { type Actor, laneOf } from "./lives.ts";

/** How often there was a group of so many, by size. */
export type Sizes = Readonly<Record<number, number>>;

export class Groups {
  /** Of those that end together. */
  readonly ended: Record<number, number> = {};
  /** Of those of one lane that are claimed together. */
  readonly claimed: Record<number, number> = {};
  /** Of the crews that those are claimed for. */
  readonly crews: Record<number, number> = {};

  /** What one transaction has changed, at that moment. */
  see(changes: readonly Change[], { kind }: Actor, now: number): void {
    if (kind !== "runner") return;
    const ended = new Set<string>();
    const lanes = new Map<string, { readonly claimed: Set<string>; readonly crews: Set<string | null> }>();
    for (const change of changes) {
      if (change.of !== "inferences") continue;
      const { row } = change;
      const name = `${row.accountId}/${row.id}`;
      if ((row.status === "succeeded" || row.status === "failed") && row.finishedAt === now) ended.add(name);
      if (row.status !== "in_progress" || row.startedAt !== now) continue; // a lease that is renewed
      const lane = lanes.get(laneOf(row)) ?? { claimed: new Set(), crews: new Set() };
      lanes.set(laneOf(row), lane);
      lane.claimed.add(name);
      lane.crews.add(row.lease);
    }
    count(this.ended, ended.size);
    for (const { claimed, crews } of lanes.values()) {
      count(this.claimed, claimed.size);
      count(this.crews, crews.size);
    }
  }
}

function count(sizes: Record<number, number>, size: number): void {
  if (size > 0) sizes[size] = (sizes[size] ?? 0) + 1;
}
