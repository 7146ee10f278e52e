/**
 * The table of planted bugs in docs/reliability.md: each with a rule that has found it. `npm run simulate -- --mutations` writes it, a
 * test holds that it has every planted bug.
 */
import { fileURLToPath } from "node:url";

/** A planted bug, and the rule that it was found by. */
export type Found = readonly [bug: string, rule: string];

export const PLANTED_PAGE = fileURLToPath(new URL("../../../docs/reliability.md", import.meta.url));
const HEAD = "| planted bug | rule |\n| --- | --- |\n";

/** Where the table's rows begin and end in the page. Throws if it has no such table. */
function placeIn(page: string): readonly [begin: number, end: number] {
  const head = page.indexOf(HEAD);
  if (head === -1) throw new Error(`docs/reliability.md must contain a table that begins with "${HEAD}"`);
  const begin = head + HEAD.length;
  return [begin, page.indexOf("\n\n", begin) + 1 || page.length];
}

/** The page with these rows in its table. */
export function withPlanted(page: string, found: readonly Found[]): string {
  const [begin, end] = placeIn(page);
  return `${page.slice(0, begin)}${found.map(([bug, rule]) => `| ${bug} | ${rule} |\n`).join("")}${page.slice(end)}`;
}

export function plantedIn(page: string): Found[] {
  const rows = page
    .slice(...placeIn(page))
    .trimEnd()
    .split("\n");
  return rows.map((row) => {
    const [, bug = "", rule = ""] = row.split("|").map((cell) => cell.trim());
    return [bug, rule];
  });
}
