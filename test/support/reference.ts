/**
 * `npm run reference`: the list of all calls in docs/api.md, made from the table of routes, so that it says what the router does.
 * A test holds it fresh.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { DIALECTS } from "../../src/wires.ts";
import type { Access, Dialect } from "../../src/http/route.ts";

export const REFERENCE_PAGE = fileURLToPath(new URL("../../docs/api.md", import.meta.url));
const BEGIN = "<!-- made by npm run reference: begin -->";
const END = "<!-- made by npm run reference: end -->";

/** The page with its list as the routes are now. Throws if the page has no place for it. */
export function withReference(page: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin === -1 || end < begin) throw new Error(`docs/api.md must contain "${BEGIN}" and, behind it, "${END}"`);
  return `${page.slice(0, begin + BEGIN.length)}\n\n${DIALECTS.map(tableOf).join("\n")}\n${page.slice(end)}`;
}

function tableOf({ title, routes }: Dialect): string {
  const rows = routes.map(
    ({ method, path, access, summary }) => `| \`${method} ${shown(path)}\` | ${KEYS[access]} | ${summary.replaceAll("|", "\\|")} |`,
  );
  return [`### ${title}`, "", "| call | needs | does |", "| --- | --- | --- |", ...rows, ""].join("\n");
}

const KEYS: Readonly<Record<Access, string>> = {
  open: "nothing",
  operator: "the admin token",
  submit: "`submit`",
  read: "`read`",
  cancel: "`cancel`",
};

/** A path as readers write it: `{id}` for a parameter, and without what only the router reads. */
function shown(path: string): string {
  return path.replaceAll(/\(\?!(?:[^()]|\([^()]*\))*\)/g, "").replaceAll(/:(\w+)\+?/g, "{$1}");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(REFERENCE_PAGE, withReference(readFileSync(REFERENCE_PAGE, "utf8")));
}
