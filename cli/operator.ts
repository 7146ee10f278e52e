/** The operator's commands: accounts, keys, models, backends, redrive and usage, each by the admin API. */
import type { Usage } from "../client/typescript/client.ts";
import { dim, green, red } from "../src/local/terminal.ts";
import type { Api, Json } from "./api.ts";
import { CommandError, EXIT } from "./errors.ts";
import { plain, printFacts, printRows, printValue, printable } from "./print.ts";

const PAGE = 100;

/** A resource of the admin API: its path, and the columns of its table. */
export const RESOURCES = {
  accounts: {
    noun: "account",
    about: "accounts, which inferences belong to",
    columns: ["id", "name", "stored_bytes", "quota_bytes", "retention_seconds", "created_at"],
  },
  keys: {
    noun: "key",
    about: "API keys of accounts",
    columns: ["id", "account_id", "name", "scopes", "created_at", "last_used_at", "expires_at", "revoked_at"],
  },
  models: { noun: "model", about: "models that clients may call", columns: ["name", "description", "versions", "default_version"] },
  backends: {
    noun: "backend",
    about: "servers that run models",
    columns: ["id", "model", "version", "url", "protocol", "state", "circuit", "in_progress", "max_concurrency"],
  },
} as const satisfies Record<string, { noun: string; about: string; columns: readonly string[] }>;

export type Resource = keyof typeof RESOURCES;

export async function listAll(api: Api, resource: Resource, query: Readonly<Record<string, string | undefined>>): Promise<void> {
  const rows: Json[] = [];
  let after: string | null = null;
  do {
    const page = await api.operate("GET", `/${resource}`, { query: { ...query, limit: PAGE, ...(after !== null && { after }) } });
    rows.push(...(page["data"] as Json[])); // as every list of the admin API has it
    after = page["next_after"] as string | null; // likewise
  } while (after !== null);
  const isFull = (value: unknown) => value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);
  const there = RESOURCES[resource].columns.filter((column) => rows.length === 0 || rows.some((row) => isFull(row[column])));
  printRows(api.output, rows, there);
}

/** The models that an account may call. */
export async function listModels(api: Api): Promise<void> {
  const { data } = await api.call("GET", "/v1/models");
  printRows(api.output, data as Json[], ["id", "description"]); // as the route answers
}

export async function show(api: Api, resource: Resource, id: string): Promise<void> {
  printFacts(api.output, await api.operate("GET", `/${resource}/${encodeURIComponent(id)}`));
}

/** `members` are what the API takes; those that were not given are left out. */
export async function create(api: Api, resource: Resource, members: Json): Promise<Json> {
  const made = await api.operate("POST", `/${resource}`, { json: members });
  if (api.output.json) printValue(api.output, made);
  else if (resource === "keys") {
    api.output.line(plain(made["key"]));
    api.output.note(dim(`The key ${plain(made["id"])} is shown only here.`));
  } else {
    api.output.line(plain(made["id"] ?? made["name"]));
    for (const warning of (made["warnings"] ?? []) as string[]) api.output.note(red(printable(warning))); // as the API has it
  }
  return made;
}

export async function update(api: Api, resource: Resource, id: string, members: Json): Promise<void> {
  printFacts(api.output, await api.operate("PATCH", `/${resource}/${encodeURIComponent(id)}`, { json: members }));
}

export async function remove(api: Api, resource: Resource, id: string): Promise<void> {
  const removed = await api.operate("DELETE", `/${resource}/${encodeURIComponent(id)}`);
  if (api.output.json) printValue(api.output, removed);
  else api.output.note(`${RESOURCES[resource].noun} ${printable(id)}: ${resource === "keys" ? "revoked" : "deleted"}`);
}

/** Registers a backend and asks its server at once whether it is ready. */
export async function addBackend(api: Api, members: Json): Promise<void> {
  const made = await create(api, "backends", members);
  await ready(api, String(made["id"]));
}

/** Prints the key that takes the place of another, and until when that one still works. */
export async function rotate(api: Api, id: string, overlapSeconds: number | undefined): Promise<void> {
  const json = overlapSeconds === undefined ? {} : { overlap_seconds: overlapSeconds };
  const made = await api.operate("POST", `/keys/${encodeURIComponent(id)}/rotate`, { json });
  if (api.output.json) return printValue(api.output, made);
  const { expires_at: end } = made["previous"] as Json; // as the route answers
  const itself = made["expires_at"] === null ? "" : ` It ends itself at ${plain(made["expires_at"])}, as the one before would have.`;
  api.output.line(plain(made["key"]));
  api.output.note(dim(`The key ${plain(made["id"])} is shown only here. The one before ends at ${plain(end)}.${itself}`));
}

/** What a backend's server says, and why it rests if it does. Ends with 1 if it is not ready. */
export async function ready(api: Api, id: string): Promise<void> {
  const path = `/backends/${encodeURIComponent(id)}`;
  const [probe, backend] = await Promise.all([api.operate("GET", `${path}/ready`), api.operate("GET", path)]);
  if (api.output.json)
    printValue(api.output, {
      ...probe,
      circuit: backend["circuit"],
      last_error: backend["last_error"],
      rested_until: backend["rested_until"],
    });
  else {
    api.output.line(probe["ready"] === true ? green("ready") : `${red("not ready")}: ${plain(probe["detail"])}`);
    const error = backend["last_error"] as { code: string; message: string; at: string } | null; // as the API has it
    if (backend["circuit"] === "open")
      api.output.line(`It rests until ${plain(backend["rested_until"])}, after ${plain(backend["failures"])} failures in a row.`);
    if (error) api.output.line(dim(`Last error, at ${printable(error.at)}: ${printable(error.code)}: ${printable(error.message)}`));
  }
  if (probe["ready"] !== true) throw new CommandError(`the backend ${id} is not ready`, EXIT.failed);
}

/** What each change by filter is called in the answer and in what is printed. */
const MANY = {
  cancel: { done: "canceled", said: "canceled" },
  redrive: { done: "redriven", said: "queued again" },
} as const;

/**
 * Changes all that a filter selects, call after call until all were looked at: of the account that it names, or, in a redrive with the
 * operator's token, of every account; anything else those of the key's.
 */
export async function changeMany(api: Api, verb: keyof typeof MANY, filters: Json, dryRun: boolean): Promise<void> {
  const { done, said } = MANY[verb];
  const operates = filters["account_id"] !== undefined || (verb === "redrive" && api.settings.adminToken !== undefined);
  let [seen, matched] = [0, 0];
  const refused = new Map<string, number>();
  let after: unknown = null;
  do {
    const options = {
      json: { ...filters, dry_run: dryRun, ...(after !== null && { after }) },
      repeatable: dryRun || verb === "cancel",
    };
    const page = await (operates ? api.operate("POST", `/${verb}`, options) : api.call("POST", `/v1/inferences/${verb}`, options));
    seen += Number(page["looked_at"]);
    matched += Number(page[done] ?? page["matched"]);
    const left = (page["refused"] ?? []) as { code: string; count: number }[]; // as the route answers; a cancel and an older deployment leave it out
    for (const { code, count } of left) refused.set(code, (refused.get(code) ?? 0) + count);
    after = page["next"];
    if (api.output.isTerminal && after !== null) api.output.note(dim(`${matched} of ${seen} looked at`));
  } while (after !== null);
  const counts = [...refused].map(([code, count]) => ({ code, count }));
  if (api.output.json)
    printValue(api.output, {
      dry_run: dryRun,
      looked_at: seen,
      [dryRun ? "matched" : done]: matched,
      ...(verb === "redrive" && { refused: counts }),
    });
  else {
    api.output.line(`${matched} ${dryRun ? "would be" : matched === 1 ? "was" : "were"} ${said} (of ${seen} looked at)`);
    for (const { code, count } of counts) api.output.line(`${count} can't be: ${code}`);
  }
}

/** What an account has used: a row for each day, model or key. */
export async function usage(api: Api, query: Readonly<Record<string, string>>): Promise<void> {
  const answer = await (query["account_id"] === undefined
    ? api.call("GET", "/v1/usage", { query })
    : api.operate("GET", "/usage", { query }));
  if (api.output.json) return printValue(api.output, answer);
  const rows = answer["data"] as Usage["data"]; // as both routes answer
  const by = (["account_id", "day", "model", "key_id"] as const).filter((name) => rows.some((row) => row[name] !== undefined));
  printRows(api.output, rows, [
    ...by,
    ["succeeded", ({ inferences }) => String(inferences.succeeded)],
    ["failed", ({ inferences }) => String(inferences.failed)],
    ["canceled", ({ inferences }) => String(inferences.canceled)],
    ["expired", ({ inferences }) => String(inferences.expired)],
    "attempts",
    "run_seconds",
    ["tokens", ({ prompt_tokens: read, completion_tokens: written }) => String(read + written)],
    "cost",
  ]);
}
