/**
 * `npm run field`: real model servers behind a whole deployment, one after the other, each with the same table of behaviours; then
 * real clients in front of it. Needs Python 3 and installs pinned packages into `field/.envs`. `npm run field -- MLServer clients`
 * takes only some. What was seen is printed, and written into docs/backends.md and field/seen.json.
 */
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deploy, endAll, newFolder } from "../test/support/deployment.ts";
import { BEHAVIOURS, type Seen } from "./behaviours.ts";
import { Program, pythonWith } from "./python.ts";
import { type FieldServer, SERVERS } from "./servers.ts";

type Table = Record<string, Record<string, Seen>>;

const only = process.argv.slice(2).filter((word) => !word.startsWith("-"));
const SEEN = join(import.meta.dirname, "seen.json");
const PAGE = join(import.meta.dirname, "..", "docs", "backends.md");
const BEGIN = "<!-- made by npm run field: begin -->";
const END = "<!-- made by npm run field: end -->";

const deployment = await deploy({ folder: newFolder() });
const table: Table = only.length > 0 ? (JSON.parse(readFileSync(SEEN, "utf8")) as Table) : {};
try {
  for (const server of SERVERS) if (only.length === 0 || only.includes(server.name)) await meet(server);
} finally {
  await deployment.interrupt();
  endAll();
}
writeFileSync(SEEN, `${JSON.stringify(table, null, 2)}\n`);
const page = readFileSync(PAGE, "utf8");
writeFileSync(PAGE, page.slice(0, page.indexOf(BEGIN) + BEGIN.length) + markdown(table) + page.slice(page.indexOf(END)));
const bad = Object.values(table).flatMap((row) => Object.values(row).filter(({ good }) => !good)).length;
console.log(`\n${Object.keys(table).length} servers met, ${bad} cells not as they should be`);
process.exit(bad === 0 ? 0 : 1);

async function meet(server: FieldServer): Promise<void> {
  const title = `${server.name} ${server.version}`;
  console.log(`\n${title}`);
  const made = pythonWith(server.file.replace(/_server\.py$/, "").replace("litserve_plain", "litserve"), server.packages);
  if ("reason" in made) return console.log(`  can't be installed here: ${made.reason}`);
  const program = await Program.start(made.python, server.file, mkdtempSync(join(tmpdir(), "claimcheck-field-")), server.ready);
  try {
    const model = title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
    await deployment.operator("POST", "/models", { name: model });
    const { id } = await deployment.operator("POST", "/backends", {
      model,
      url: program.url + server.path,
      protocol: server.protocol,
      max_concurrency: 2,
      ...(server.remoteModel ? { remote_model: server.remoteModel } : {}),
    });
    const row: Record<string, Seen> = {};
    table[title] = row;
    for (const [name, look] of Object.entries(BEHAVIOURS)) {
      const seen = await look({ deployment, server, program, model, backend: String(id) }).catch((error: unknown): Seen => ({
        good: false,
        saw: `broke off: ${String(error)}`,
      }));
      row[name] = seen;
      console.log(`  ${seen.good ? "ok  " : "BAD "} ${name.padEnd(28)} ${seen.saw}`);
    }
  } finally {
    program.kill();
  }
}

function markdown(all: Table): string {
  const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("\n", " ");
  const rows = Object.keys(BEHAVIOURS).map((name) =>
    [
      `### ${name}`,
      "",
      "| server | seen |",
      "| --- | --- |",
      ...Object.entries(all).map(([title, row]) => `| ${title} | ${cell(row[name]?.saw ?? "not looked at")} |`),
    ].join("\n"),
  );
  return `\n\n${rows.join("\n\n")}\n\n`;
}
