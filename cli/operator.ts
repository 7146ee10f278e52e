/** The operator's commands: accounts, keys, models, backends, redrive and usage, each by the admin API. */
import { dim, green, red } from "../src/local/terminal.ts";
import type { Api, Json } from "./api.ts";
import { CommandError, EXIT } from "./errors.ts";
import { type Output, plain, printRows, printValue, printable } from "./print.ts";

const PAGE = 100;

/** A resource of the admin API: its path, and the columns of its table. */
export const RESOURCES = {
  accounts: { noun: "account", columns: ["id", "name", "stored_bytes", "quota_bytes", "retention_seconds", "created_at"] },
  keys: { noun: "key", columns: ["id", "account_id", "name", "scopes", "created_at", "revoked_at"] },
  models: { noun: "model", columns: ["name", "description", "versions", "default_version"] },
  backends: {
    noun: "backend",
    columns: ["id", "model", "version", "url", "protocol", "state", "circuit", "in_progress", "max_concurrency"],
  },
} as const satisfies Record<string, { noun: string; columns: readonly string[] }>;

export type Resource = keyof typeof RESOURCES;

export async function listAll(
  api: Api,
  output: Output,
  resource: Resource,
  query: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const rows: Json[] = [];
  let after: string | null = null;
  do {
    const page = await api.operate("GET", `/${resource}`, { query: { ...query, limit: PAGE, ...(after !== null && { after }) } });
    rows.push(...(page["data"] as Json[])); // as every list of the admin API has it
    after = page["next_after"] as string | null; // likewise
  } while (after !== null);
  const there = RESOURCES[resource].columns.filter(
    (column) => rows.length === 0 || rows.some((row) => row[column] !== undefined && row[column] !== null),
  );
  printRows(output, rows, there);
}

export async function show(api: Api, output: Output, resource: Resource, id: string): Promise<void> {
  printValue(output, await api.operate("GET", `/${resource}/${encodeURIComponent(id)}`));
}

/** `members` are what the API takes; those that were not given are left out. */
export async function create(api: Api, output: Output, resource: Resource, members: Json): Promise<Json> {
  const made = await api.operate("POST", `/${resource}`, { json: members });
  if (output.json) printValue(output, made);
  else if (resource === "keys") {
    output.line(plain(made["key"]));
    output.note(dim(`The key ${plain(made["id"])} is shown only here.`));
  } else {
    output.line(plain(made["id"] ?? made["name"]));
    for (const warning of (made["warnings"] ?? []) as string[]) output.note(red(printable(warning))); // as the API has it
  }
  return made;
}

export async function update(api: Api, output: Output, resource: Resource, id: string, members: Json): Promise<void> {
  printValue(output, await api.operate("PATCH", `/${resource}/${encodeURIComponent(id)}`, { json: members }));
}

export async function remove(api: Api, output: Output, resource: Resource, id: string): Promise<void> {
  const removed = await api.operate("DELETE", `/${resource}/${encodeURIComponent(id)}`);
  if (output.json) printValue(output, removed);
  else output.note(`${RESOURCES[resource].noun} ${printable(id)}: ${resource === "keys" ? "revoked" : "deleted"}`);
}

/** Registers a backend and asks its server at once whether it is ready. */
export async function addBackend(api: Api, output: Output, members: Json): Promise<void> {
  const made = await create(api, output, "backends", members);
  await ready(api, output, String(made["id"]));
}

/** What a backend's server says, and why it rests if it does. Ends with 1 if it is not ready. */
export async function ready(api: Api, output: Output, id: string): Promise<void> {
  const path = `/backends/${encodeURIComponent(id)}`;
  const [probe, backend] = await Promise.all([api.operate("GET", `${path}/ready`), api.operate("GET", path)]);
  if (output.json)
    printValue(output, { ...probe, circuit: backend["circuit"], last_error: backend["last_error"], rested_until: backend["rested_until"] });
  else {
    output.line(probe["ready"] === true ? green("ready") : `${red("not ready")}: ${plain(probe["detail"])}`);
    const error = backend["last_error"] as { code: string; message: string; at: string } | null; // as the API has it
    if (backend["circuit"] === "open")
      output.line(`It rests until ${plain(backend["rested_until"])}, after ${plain(backend["failures"])} failures in a row.`);
    if (error) output.line(dim(`Last error, at ${printable(error.at)}: ${printable(error.code)}: ${printable(error.message)}`));
  }
  if (probe["ready"] !== true) throw new CommandError(`the backend ${id} is not ready`, EXIT.failed);
}

/** Queues failed or expired inferences again, by filter, call after call until all were looked at. */
export async function redriveMany(api: Api, output: Output, filters: Json, dryRun: boolean): Promise<void> {
  let [seen, matched] = [0, 0];
  let after: unknown = null;
  do {
    const done = await api.operate("POST", "/redrive", {
      json: { ...filters, dry_run: dryRun, ...(after !== null && { after }) },
      repeatable: dryRun,
    });
    seen += Number(done["looked_at"]);
    matched += Number(done["redriven"] ?? done["matched"]);
    after = done["next"];
    if (output.isTerminal && after !== null) output.note(dim(`${matched} of ${seen} looked at`));
  } while (after !== null);
  if (output.json) printValue(output, { dry_run: dryRun, looked_at: seen, [dryRun ? "matched" : "redriven"]: matched });
  else
    output.line(dryRun ? `${matched} would be queued again (of ${seen} looked at)` : `${matched} were queued again (of ${seen} looked at)`);
}
