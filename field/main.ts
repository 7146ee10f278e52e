/**
 * `npm run field`: real model servers behind a whole deployment, one after the other, each with the same table of behaviours; then
 * real clients in front of it. Needs Python 3 and installs pinned packages into `field/.envs`; llama.cpp is built there from
 * its source, which takes ten minutes and a C++ compiler. `npm run field -- MLServer Cog` takes only some. What was seen is printed, and written into docs/backends.md and field/seen.json.
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
/** The behaviours that are one table together. */
const CANCEL: readonly string[] = ["connection closed", "cancel", "client leaves its stream", "cancel of a stream"];
const END = "<!-- made by npm run field: end -->";

let failed = 0;
const deployment = await deploy({ folder: newFolder() });
const table: Table = only.length > 0 ? (JSON.parse(readFileSync(SEEN, "utf8")) as Table) : {};
try {
  for (const server of SERVERS) {
    if (only.length > 0 && !only.includes(server.name)) continue;
    await meet(server).catch((error: unknown) => {
      failed++;
      console.error(`  not met: ${String(error)}`);
    });
  }
} finally {
  await deployment.interrupt();
  endAll();
}
writeFileSync(SEEN, `${JSON.stringify(table, null, 2)}\n`);
const page = readFileSync(PAGE, "utf8");
writeFileSync(PAGE, page.slice(0, page.indexOf(BEGIN) + BEGIN.length) + markdown(table) + page.slice(page.indexOf(END)));
const bad = Object.values(table).flatMap((row) => Object.values(row).filter(({ good }) => !good)).length;
console.log(`\n${Object.keys(table).length} servers met, ${failed} could not be, ${bad} cells not as they should be`);
process.exit(bad + failed === 0 ? 0 : 1);

async function meet(server: FieldServer): Promise<void> {
  const title = `${server.name} ${server.version}`;
  console.log(`\n${title}`);
  const made = pythonWith(server.file.replace(/_server\.py$/, "").replace("litserve_plain", "litserve"), server.packages, server.build);
  if ("reason" in made) return console.log(`  can't be installed here: ${made.reason}`);
  const program = await Program.start(made.python, server.file, mkdtempSync(join(tmpdir(), "claimcheck-field-")), server.ready);
  try {
    const model = title.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
    const { id } = await register(server, program, model, server.remoteModel);
    const streaming = server.stream && server.stream.remoteModel !== server.remoteModel ? `${model}-stream` : model;
    if (streaming !== model) await register(server, program, streaming, server.stream?.remoteModel);
    const row: Record<string, Seen> = {};
    table[title] = row;
    for (const [name, look] of Object.entries(BEHAVIOURS)) {
      const seen = await look({ deployment, server, program, model, streaming, backend: String(id), seen: row }).catch(
        (error: unknown): Seen => ({
          good: false,
          saw: `broke off: ${String(error)}`,
        }),
      );
      row[name] = seen;
      console.log(`  ${seen.good ? "ok  " : "BAD "} ${name.padEnd(28)} ${seen.saw}`);
    }
  } finally {
    program.kill();
  }
}

async function register(server: FieldServer, program: Program, model: string, remoteModel?: string): Promise<Record<string, unknown>> {
  await deployment.operator("POST", "/models", { name: model });
  return deployment.operator("POST", "/backends", {
    model,
    url: program.url + server.path,
    protocol: server.protocol,
    max_concurrency: 2,
    ...(remoteModel ? { remote_model: remoteModel } : {}),
    ...(server.readyPath ? { ready_path: server.readyPath } : {}),
  });
}

function markdown(all: Table): string {
  const cell = (text: string) => text.replaceAll("|", "\\|").replaceAll("\n", " ");
  const saw = (row: Record<string, Seen>, name: string) => cell(row[name]?.saw ?? "not looked at");
  const cancels = Object.entries(all).flatMap(([title, row]) => {
    const server = SERVERS.find(({ name, version }) => title === `${name} ${version}`);
    if (!server) return [];
    const cells = [title, ...CANCEL.map((name) => saw(row, name)), server.verb ?? "none", server.advice ?? "nothing is needed"];
    return [`| ${cells.join(" | ")} |`];
  });
  const matrix = [
    "### Cancel",
    "",
    "By each server's own log, which has a line for each tenth of a second in which it works at a call that would take 6 s. The first column is",
    "the server alone: a client calls it and hangs up, during a stream where it has one. The others are seen through Claimcheck: what a cancel answers as",
    "`stopped`, and what the server does after it. Claimcheck closes the connection within a second of a cancel, and at once if the client of a stream leaves.",
    "Where a server goes on, its slot is free for Claimcheck all the same, so the next call may wait there until the one before has ended. A chat that is not",
    "streamed goes on in all of these but llama.cpp, since there it is a plain function.",
    "",
    "| server | connection closed | cancel | client leaves its stream | cancel of a stream | its verb for cancel | what an operator can do |",
    "| --- | --- | --- | --- | --- | --- | --- |",
    ...cancels,
  ].join("\n");
  const others = Object.keys(BEHAVIOURS).filter((name) => !CANCEL.includes(name));
  const rows = others.map((name) =>
    [
      `### ${name}`,
      "",
      "| server | seen |",
      "| --- | --- |",
      ...Object.entries(all).map(([title, row]) => `| ${title} | ${saw(row, name)} |`),
    ].join("\n"),
  );
  return `\n\n${[matrix, ...rows].join("\n\n")}\n\n`;
}
