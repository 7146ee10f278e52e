/**
 * How the local programs look in a terminal. Colour only where it is wanted (a terminal, or FORCE_COLOR, and never with
 * NO_COLOR: no-color.org); without it the same text stands alone.
 */

const colored = !process.env["NO_COLOR"] && (process.stdout.isTTY || !["", "0"].includes(process.env["FORCE_COLOR"] ?? ""));

const styled = (code: string) => (text: string) => (colored ? `\u001b[${code}m${text}\u001b[0m` : text);

export const bold = styled("1");
export const dim = styled("2");
export const green = styled("32");
export const red = styled("31");

/** A block of that colour; nothing to see without colour, since the hex stands beside it. */
export function swatch(hex: string): string {
  if (!colored) return "";
  const value = Number.parseInt(hex.slice(1), 16);
  return `\u001b[48;2;${value >> 16};${(value >> 8) & 255};${value & 255}m   \u001b[0m`;
}

const BAR_WIDTH = 24;

/** A bar that is full at 1. */
export function bar(share: number): string {
  const full = Math.round(share * BAR_WIDTH);
  return green("█".repeat(full)) + dim("░".repeat(BAR_WIDTH - full));
}

const ESCAPES = new RegExp(String.raw`\u001b\[[0-9;]*m`, "g");

/** As wide as it looks, without what only colours it. */
function width(text: string): number {
  return text.replace(ESCAPES, "").length;
}

export function padded(text: string, to: number): string {
  return text + " ".repeat(Math.max(0, to - width(text)));
}

/** Columns as wide as their widest cell. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => width(row[column] ?? ""))));
  const line = (cells: readonly string[]) => `  ${cells.map((cell, column) => padded(cell, widths[column] ?? 0)).join("  ")}`.trimEnd();
  return [dim(line(head)), ...rows.map(line)].join("\n");
}
