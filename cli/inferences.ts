/** The commands about single inferences: run, status, results, logs, cancel, redrive, list. */
import { createWriteStream, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { dim, red } from "../src/local/terminal.ts";
import type { Api, Json } from "./api.ts";
import { CommandError, EXIT } from "./errors.ts";
import { type Output, describe, plain, printRows, printValue, printable, statusText } from "./print.ts";

const WAIT_SECONDS = 30;

const pathOf = (id: string) => `/v1/inferences/${encodeURIComponent(id)}`;

/** Asks until it has ended; each request waits for that at the deployment. */
export async function waitFor(
  api: Api,
  id: string,
  { each, signal }: { each?: (it: Json) => void; signal?: AbortSignal } = {},
): Promise<Json> {
  for (;;) {
    const begun = Date.now();
    const headers = { Prefer: `wait=${WAIT_SECONDS}` };
    const it = await api.json("GET", pathOf(id), { headers, waitMs: WAIT_SECONDS * 1000, ...(signal && { signal }) });
    each?.(it);
    if (it["is_final"] === true) return it;
    const told = Number(it["poll_after"] ?? 1) * 1000;
    // One that did not wait says when to ask again.
    if (Date.now() - begun < (WAIT_SECONDS * 1000) / 2) await sleep(Math.max(100, told), undefined, signal ? { signal } : {});
  }
}

export interface RunOptions {
  readonly priority?: number;
  readonly version?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Submits one inference and prints its output when it has ended. */
export async function run(api: Api, output: Output, model: string, input: unknown, options: RunOptions & { file?: string }): Promise<void> {
  const { file, ...more } = options;
  const headers = { "Idempotency-Key": crypto.randomUUID(), Prefer: `wait=${WAIT_SECONDS}` };
  const submitted = await api.json("POST", "/v1/inferences", { json: { model, input, ...more }, headers, waitMs: WAIT_SECONDS * 1000 });
  if (output.isTerminal && submitted["is_final"] !== true) output.note(dim(`${plain(submitted["id"])} is ${plain(submitted["status"])}`));
  const it = submitted["is_final"] === true ? submitted : await waitFor(api, String(submitted["id"]));
  if (it["status"] !== "succeeded") throw notSucceeded(it);
  if (file === undefined && it["output"] !== null && it["output"] !== undefined) return printValue(output, it["output"]);
  await saveResult(api, it, file ?? null);
}

function notSucceeded(it: Json): CommandError {
  const error = it["error"] as { code: string; message: string } | null | undefined; // as the API has it
  const why = error ? `: ${printable(error.code)}: ${printable(error.message)}` : "";
  return new CommandError(`${plain(it["id"])} is ${plain(it["status"])}${why}`, EXIT.failed);
}

/** Writes an output to a file, or to standard output if there is no name. */
async function saveResult(api: Api, it: Json, file: string | null): Promise<void> {
  const answer = await api.call("GET", `${pathOf(String(it["id"]))}/result`);
  if (!answer.body) return;
  const body = Readable.fromWeb(answer.body);
  await pipeline(body, file === null ? process.stdout : createWriteStream(file), { end: file !== null });
}

const EXTENSIONS: Readonly<Record<string, string>> = {
  "application/json": "json",
  "text/plain": "txt",
  "image/png": "png",
  "image/jpeg": "jpg",
  "image/webp": "webp",
  "video/mp4": "mp4",
  "audio/mpeg": "mp3",
  "audio/wav": "wav",
};

/** Saves the output of an inference, and each part that came beside it, in a folder. Returns the files. */
export async function saveInto(api: Api, folder: string, name: string, it: Json): Promise<string[]> {
  mkdirSync(folder, { recursive: true });
  const safe = (text: string) => text.replaceAll(/[^A-Za-z0-9._-]/g, "_");
  const parts = (it["output_parts"] ?? []) as { name: string }[]; // as the API has it
  if (it["output"] !== null && it["output"] !== undefined && parts.length === 0) {
    const file = join(folder, `${safe(name)}.json`);
    writeFileSync(file, JSON.stringify(it["output"]));
    return [file];
  }
  const saved: string[] = [];
  for (const part of [null, ...parts.map((one) => one.name)]) {
    const answer = await api.call("GET", `${pathOf(String(it["id"]))}/result${part === null ? "" : `/${encodeURIComponent(part)}`}`);
    const type = (answer.headers.get("content-type") ?? "").split(";")[0]?.trim() ?? "";
    const to = join(folder, part === null ? `${safe(name)}.${EXTENSIONS[type] ?? "bin"}` : `${safe(name)}.${safe(part)}`);
    if (answer.body) await pipeline(Readable.fromWeb(answer.body), createWriteStream(to));
    saved.push(to);
  }
  return saved;
}

export async function results(api: Api, output: Output, ids: readonly string[], folder: string | undefined): Promise<void> {
  for (const id of ids) {
    if (folder === undefined) await saveResult(api, { id }, null);
    else
      for (const file of await saveInto(api, folder, id, await api.json("GET", pathOf(id))))
        if (output.json) printValue(output, { id, file });
        else output.line(printable(file));
  }
}

/** Prints inferences as they are; with `watch` until all have ended, each change as it comes. Ends with 1 if one did not succeed. */
export async function status(api: Api, output: Output, ids: readonly string[], watch: boolean): Promise<void> {
  const show = (it: Json) => (output.json ? printValue(output, it) : output.line(describe(it)));
  const ended = await Promise.all(
    ids.map(async (id) => {
      if (!watch) return api.json("GET", pathOf(id));
      let last = "";
      return waitFor(api, id, {
        each(it) {
          const now = JSON.stringify([it["status"], it["waiting_on"], it["queue_position"], it["attempts"], it["progress"]]);
          if (now !== last && it["is_final"] !== true) show(it);
          last = now;
        },
      });
    }),
  );
  ended.forEach(show);
  if (watch && ended.some((it) => it["status"] !== "succeeded")) throw new CommandError("not all succeeded", EXIT.failed);
}

/** One change of each of several inferences; the first refusal ends it. */
export async function change(api: Api, output: Output, ids: readonly string[], verb: "cancel" | "redrive"): Promise<void> {
  for (const id of ids) {
    const it = await api.json("POST", `${pathOf(id)}/${verb}`, { repeatable: verb === "cancel" });
    if (output.json) printValue(output, it);
    else output.line(`${plain(it["id"])}  ${statusText(it["status"])}`);
  }
}

export async function logs(api: Api, output: Output, id: string, follow: boolean): Promise<void> {
  let shown = 0;
  for (;;) {
    const it = await api.json("GET", pathOf(id), { query: { logs: 1 } });
    const lines = (it["logs"] ?? []) as Json[]; // as the API has it
    for (const line of lines.slice(shown)) {
      const { at, event, ...more } = line;
      const facts = Object.entries(more).map(([name, value]) => `${name}=${plain(value)}`);
      if (output.json) printValue(output, line);
      else output.line(`${dim(plain(at))}  ${plain(event)}  ${facts.join(" ")}`.trimEnd());
    }
    shown = lines.length;
    if (!follow || it["is_final"] === true) return;
    await sleep(Math.max(500, Math.min(2_000, Number(it["poll_after"] ?? 1) * 1000)));
  }
}

export async function list(api: Api, output: Output, filters: Readonly<Record<string, string>>, limit: number): Promise<void> {
  const rows: Json[] = [];
  let after: string | undefined;
  do {
    const page = await api.json("GET", "/v1/inferences", {
      query: { ...filters, limit: Math.min(100, limit - rows.length), ...(after && { after }) },
    });
    rows.push(...(page["data"] as Json[])); // as the API has it
    after = typeof page["next"] === "string" ? page["next"] : undefined;
  } while (after && rows.length < limit);
  const error = (row: Json) => {
    const failure = row["error"] as { code: string } | null; // as the API has it
    return failure ? red(printable(failure.code)) : dim("-");
  };
  printRows(output, rows, ["id", ["status", (row) => statusText(row["status"])], "model", "attempts", "created_at", ["error", error]]);
}
