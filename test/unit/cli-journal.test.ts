/** What a `submit` that was killed finds again. */
import { appendFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Journal } from "../../cli/journal.ts";

let folder: string;
const COMMAND = ["https://claimcheck.example", "captions", "clip.mp4"];
const files = () => readdirSync(join(folder, "claimcheck"));

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "claimcheck-journal-"));
  vi.stubEnv("XDG_STATE_HOME", folder);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

test("an upload that was cut is resumed, a file that is there is not sent again, and neither is an inference", async () => {
  const first = new Journal(COMMAND);
  const cut = first.referenceOf("clip.mp4", async (begun, onStart) => {
    onStart("upload-1");
    throw new Error(`cut, with ${begun}`);
  });
  await expect(cut).rejects.toThrow("cut, with undefined");

  const second = new Journal(COMMAND);
  expect(await second.referenceOf("clip.mp4", async (begun) => `the file of ${begun}`)).toBe("the file of upload-1");
  second.note("clip.mp4", "inference-1");
  appendFileSync(join(folder, "claimcheck", files()[0] ?? ""), '\n{"place": "other.mp4", "i'); // the program was killed

  const third = new Journal(COMMAND);
  expect(await third.referenceOf("clip.mp4", () => Promise.reject(new Error("uploaded again")))).toBe("the file of upload-1");
  expect([...third.ids]).toEqual([["clip.mp4", "inference-1"]]);
  expect(third.keyOf("other.mp4")).toBe(first.keyOf("other.mp4"));
  third.close();
  expect(files()).toEqual([]);
});

test("another command has a journal and keys of its own", () => {
  expect(new Journal(COMMAND).keyOf("clip.mp4")).not.toBe(new Journal([...COMMAND, "--priority"]).keyOf("clip.mp4"));
});
