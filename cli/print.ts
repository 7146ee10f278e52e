/** What commands print: for people as tables and lines, with `--json` one JSON value a line. */
import { bold, dim, green, red, table } from "../src/local/terminal.ts";
import type { Json } from "./api.ts";

export interface Output {
  readonly json: boolean;
  /** Whether a person looks on: then progress is shown. */
  readonly isTerminal: boolean;
  line(text: string): void;
  /** Beside the result: progress, hints. */
  note(text: string): void;
}

export function outputOf(json: boolean): Output {
  return {
    json,
    isTerminal: process.stderr.isTTY && !json,
    line: (text) => void process.stdout.write(`${text}\n`),
    note: (text) => void process.stderr.write(`${text}\n`),
  };
}

/** One value as JSON: on one line for programs, indented for people. */
export function printValue(output: Output, value: unknown): void {
  output.line(printableJson(value, output.json ? undefined : 2));
}

/** Rows as a table, or each as a line of JSON. A column is the name of a member, perhaps with another title. */
export function printRows(
  output: Output,
  rows: readonly Json[],
  columns: readonly (string | readonly [title: string, show: (row: Json) => string])[],
): void {
  if (output.json) return rows.forEach((row) => printValue(output, row));
  if (rows.length === 0) return output.note(dim("none"));
  const titles = columns.map((column) => (typeof column === "string" ? column : column[0]));
  const cells = rows.map((row) => columns.map((column) => (typeof column === "string" ? plain(row[column]) : column[1](row))));
  output.line(table(titles, cells));
}

/** A value in a cell. */
export function plain(value: unknown): string {
  if (value === null || value === undefined) return dim("-");
  if (typeof value === "string") return printable(value);
  return printable(JSON.stringify(value));
}

/** What could steer a terminal, or fake a line or a cell of a table. */
const UNSAFE = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;
const ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** On one line, and without what could steer a terminal: texts of models, files and servers are strangers'. */
export function printable(text: string): string {
  return text.replaceAll(UNSAFE, (character) => ESCAPES[character] ?? "\uFFFD");
}

/** The same of a text of several lines. All but the first are indented, so that none can pass for a line of the program's own. */
export function printableLines(text: string): string {
  return text.split("\n").map(printable).join("\n  ");
}

/** JSON that is the same to a program, with escapes for what could steer a terminal. */
function printableJson(value: unknown, indent?: number): string {
  const escaped = (character: string) =>
    character === "\n"
      ? "\n"
      : character
          .split("")
          .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
          .join("");
  return JSON.stringify(value, null, indent).replaceAll(UNSAFE, escaped);
}

export function statusText(status: unknown): string {
  const text = plain(status);
  if (status === "succeeded") return green(text);
  return status === "failed" || status === "expired" ? red(text) : text;
}

/** One inference for people. */
export function describe(it: Json): string {
  const error = it["error"] as { class: string; code: string; message: string } | null | undefined; // as the API has it
  const facts: [string, unknown][] = [
    ["model", it["version"] ? `${plain(it["model"])} ${plain(it["version"])}` : it["model"]],
    [
      "waits for",
      it["waiting_on"] && (it["queue_position"] ? `${plain(it["waiting_on"])}, position ${plain(it["queue_position"])}` : it["waiting_on"]),
    ],
    ["progress", typeof it["progress"] === "number" ? `${Math.round(it["progress"] * 100)} %` : null],
    ["attempts", it["attempts"]],
    ["created", it["created_at"]],
    ["started", it["started_at"]],
    ["finished", it["finished_at"]],
    ["error", error && `${error.code} (${error.class}): ${error.message}`],
  ];
  const lines = facts
    .filter(([, value]) => value !== null && value !== undefined && value !== 0)
    .map(([name, value]) => `  ${dim(name.padEnd(10))} ${plain(value)}`);
  return [`${bold(plain(it["id"]))}  ${statusText(it["status"])}`, ...lines].join("\n");
}

/** `12 s`, `3 min 20 s`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
