/** PURE. Figures of samples, and tables of them. */

/** Samples by name, as they are kept in JSON. */
export type Samples = Record<string, readonly number[]>;

/** What a share of all samples does not exceed. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** NaN of none. */
export function median(samples: readonly number[]): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const [lower, upper] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]];
  return lower === undefined || upper === undefined ? Number.NaN : (lower + upper) / 2;
}

/** The median, and the least and the most in brackets; a dash without samples. */
export function spread(samples: readonly number[], digits: number): string {
  const known = samples.filter((sample) => !Number.isNaN(sample));
  if (known.length === 0) return "-";
  const shown = (figure: number) => (Math.round(figure * 10 ** digits) / 10 ** digits + 0).toFixed(digits); // + 0: no "-0.00"
  const middle = shown(median(known));
  return known.length === 1 ? middle : `${middle} (${shown(Math.min(...known))} to ${shown(Math.max(...known))})`;
}

/** The ratios of one round's figure to the same round's other. */
export function ratios(samples: readonly number[], others: readonly number[]): number[] {
  return samples.map((sample, round) => sample / (others[round] ?? Number.NaN)).filter((ratio) => !Number.isNaN(ratio));
}

/** Lines of a Markdown table whose columns are aligned, so that a terminal shows it too. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
