/** What the command line prints of texts that are strangers': names, error messages, outputs of models. */
import { expect, test } from "vitest";
import type { Inference } from "../../client/typescript/client.ts";
import { type Output, describe as described, factsOf, printRows, printValue, printableLines } from "../../cli/print.ts";

function collecting(json = false): { output: Output; text: () => string } {
  const lines: string[] = [];
  return {
    output: {
      json,
      isTerminal: false,
      line: (text) => lines.push(text),
      write: (text) => lines.push(text),
      note: (text) => lines.push(text),
    },
    text: () => lines.join("\n"),
  };
}

/** Would clear the screen, turn the line around, and begin a row of its own. */
const NAME = "ours\n  other  succeeded\r\u001b[2J\u009b2J\u202etxt\u2028end";

test("a name with line breaks and control characters stays in its cell", () => {
  const { output, text } = collecting();
  printRows(output, [{ name: NAME, status: "failed" }], ["name", "status"]);
  const lines = text().split("\n");
  expect(lines).toHaveLength(2);
  expect(lines[1]).toBe("  ours\\n  other  succeeded\\r\uFFFD[2J\uFFFD2J\uFFFDtxt\uFFFDend  failed");
});

test("an inference shows an error of several lines on one", () => {
  const error = { class: "input", code: "backend_rejected", message: "too dark\n  status     succeeded" };
  const shown = described({ id: "1", status: "failed", attempts: 0, metadata: {}, error } as Inference); // of which no more is shown
  expect(shown.split("\n")).toHaveLength(2);
});

test("an inference says when it starts if it is scheduled, and why it has more attempts than may count", () => {
  const shown = (more: object) => described({ id: "1", attempts: 0, metadata: {}, ...more } as Inference); // of which no more is shown
  const at = "2026-12-01T10:00:00.000Z";
  expect(shown({ status: "queued", waiting_on: "scheduled", queue_position: null, estimated_start_at: at })).toContain(
    `waits for: its time, starts at ${at}`,
  );
  expect(shown({ status: "expired", attempts: 15, max_attempts: 3 })).toContain("15, of which some reached no server; at most 3 that do");
  expect(shown({ status: "failed", attempts: 3, max_attempts: 3 })).toContain("3 of at most 3");
});

test("a line of the log is a list of facts, without JSON in it", () => {
  const error = { class: "infrastructure", code: "backend_cut", message: "It broke\noff.", status: 502 };
  expect(factsOf({ attempt: 1, error, timing: { sent_ms: 0, first_byte_ms: 12 }, message: "seed 7" })).toEqual([
    ["attempt", "1"],
    ["error", "backend_cut (infrastructure): It broke\\noff."],
    ["timing.sent_ms", "0"],
    ["timing.first_byte_ms", "12"],
    ["message", "seed 7"],
  ]);
});

test("a message of several lines is indented after the first, so that none passes for a line of the program's own", () => {
  expect(printableLines("2 faults\n#/a \u001b[1mno\nerror: all is well")).toBe("2 faults\n  #/a \uFFFD[1mno\n  error: all is well");
});

test.each([true, false])("JSON steers no terminal and is the same value (--json: %s)", (json) => {
  const { output, text } = collecting(json);
  const value = { name: NAME, tag: "\u{e0041}", list: [1, null] };
  printValue(output, value);
  expect(text()).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\u2028\u2029]/u);
  expect(JSON.parse(text())).toEqual(value);
});
