/** What the simulator's readers and requests that wait may be told of an end, where a redrive has given an inference more than one. */
import { describe, expect, test } from "vitest";
import type { Status } from "../../src/inferences/status.ts";
import type { InferenceRow } from "../simulator/platform/rows.ts";
import { type End, type ToldEnd, toldOf } from "../simulator/rules/ends.ts";

const REFUSED = { class: "model", code: "backend_rejected", message: "It was refused.", status: 400 };

const endAt = (finishedAt: number, status: Status, attempt: number, undoneAt: number | null): End => ({
  row: { status, finishedAt, attempt, error: status === "failed" ? JSON.stringify(REFUSED) : null } as InferenceRow, // no more of a row is looked at
  undoneAt,
});

const told = (at: number, status: Status, attempts: number): ToldEnd => ({
  status,
  finished_at: new Date(at).toISOString(),
  attempts,
  error: status === "failed" ? REFUSED : null,
});

describe("an end that is told", () => {
  const failed = endAt(1_000, "failed", 3, 5_000);

  test("may have been undone since its reader asked", () => {
    expect(toldOf([failed], told(1_000, "failed", 3), 4_000)).toBe(failed);
    expect(toldOf([failed], told(1_000, "failed", 3), 5_000)).toBe(failed);
    expect(toldOf([failed], told(1_000, "failed", 3), 5_001)).toBeNull();
  });

  test("is none that there never was in the new life, though a redrive came while its reader was connected", () => {
    expect(toldOf([failed], told(6_000, "failed", 4), 4_000)).toBeNull();
    expect(toldOf([failed], told(6_000, "succeeded", 4), 4_000)).toBeNull();
    expect(toldOf([failed], told(1_000, "canceled", 3), 4_000)).toBeNull();
  });

  test("is told as it was", () => {
    const succeeded = endAt(7_000, "succeeded", 4, null);
    const ends = [failed, succeeded];
    expect(toldOf(ends, told(7_000, "succeeded", 4), 4_000)).toBe(succeeded);
    expect(toldOf(ends, told(7_000, "succeeded", 3), 4_000)).toBeNull();
    expect(toldOf(ends, told(1_000, "succeeded", 4), 4_000)).toBeNull();
    expect(toldOf(ends, { ...told(1_000, "failed", 3), error: { ...REFUSED, code: "backend_timeout" } }, 4_000)).toBeNull();
    expect(toldOf(ends, { ...told(1_000, "failed", 3), error: null }, 4_000)).toBeNull();
  });
});
