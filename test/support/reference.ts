/**
 * `npm run reference`: docs/openapi.json and the list of all calls in docs/api.md, made from the table of routes, so that they say
 * what the router does. Tests hold them fresh.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Access, Dialect } from "../../src/http/route.ts";
import { TYPES_FILES, typesAt, typesOf } from "./client-types.ts";
import { DOCUMENTED, OPENAPI_FILE, openApiText } from "./openapi.ts";
import { readable } from "./paths.ts";

export const REFERENCE_PAGE = fileURLToPath(new URL("../../docs/api.md", import.meta.url));
const BEGIN = "<!-- made by npm run reference: begin -->";
const END = "<!-- made by npm run reference: end -->";

/** The page with its list as the routes are now. Throws if the page has no place for it. */
export function withReference(page: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin === -1 || end < begin) throw new Error(`docs/api.md must contain "${BEGIN}" and, behind it, "${END}"`);
  return `${page.slice(0, begin + BEGIN.length)}\n\n${DOCUMENTED.map(tableOf).join("\n")}\n${page.slice(end)}`;
}

function tableOf({ title, routes }: Dialect): string {
  const rows = routes.map(
    ({ method, path, access, summary }) => `| \`${method} ${readable(path)}\` | ${KEYS[access]} | ${summary.replaceAll("|", "\\|")} |`,
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

/** Sends the example of every route and writes down what was answered. */
function record(): void {
  const env = { ...process.env, RECORD_EXAMPLES: "1" };
  const { status } = spawnSync("vitest", ["run", "test/worker/examples.test.ts", "--update", "--testNamePattern", "every route"], {
    env,
    stdio: "inherit",
  });
  if (status !== 0) throw new Error("the examples of test/worker/support/examples.ts did not pass");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  record();
  writeFileSync(OPENAPI_FILE, openApiText());
  for (const [file, types] of TYPES_FILES) writeFileSync(typesAt(file), await typesOf(types));
  writeFileSync(REFERENCE_PAGE, withReference(readFileSync(REFERENCE_PAGE, "utf8")));
}
