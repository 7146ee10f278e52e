/**
 * `npm run demo`: the main job, start to end, on pictures. Starts a deployment of its own in a temporary folder, submits
 * the gallery in three batches through the Vody API, shows how they get on, prints what came back, and exits 0 only if
 * every label is what a person would say and the broken file, and nothing else, has an error.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import * as z from "zod";
import { type Deployment, SAMPLE_MODEL, startDeployment } from "./deployment.ts";
import { freePort } from "./runtime.ts";
import { type GalleryEntry, drawGallery } from "./sample/gallery.ts";
import { bar, bold, dim, green, padded, red, swatch, table } from "./terminal.ts";

const HOST = "127.0.0.1";
const BATCHES = 3;
const POLL_MS = 100;
const GIVE_UP_MS = 60_000;
/** As many as fit beside the other columns. */
const COLOURS_SHOWN = Math.max(1, Math.min(4, Math.floor(((process.stdout.columns ?? 140) - 50) / 30)));

const statusSchema = z.object({
  id: z.string(),
  status: z.enum(["in_progress", "completed", "failed"]),
  response_code: z.string(),
  request_item_count: z.string(),
  response_item_count: z.string(),
  response_time: z.string(),
});
type Status = z.infer<typeof statusSchema>;

const resultSchema = z.array(
  z.object({
    label: z.string(),
    label_hex: z.string(),
    label_share: z.number(),
    colors: z.array(z.object({ name: z.string(), hex: z.string(), share: z.number() })),
    error: z.string().nullable(),
  }),
);
type Result = z.infer<typeof resultSchema>[number];

/** A client of the Vody API: what someone who moves here already has. */
class VodyClient {
  readonly #url: string;
  readonly #key: string;

  constructor({ url, key }: Deployment) {
    this.#url = url;
    this.#key = key;
  }

  async submit(items: readonly object[]): Promise<Status> {
    return statusSchema.parse(await this.#call(`/inference/${SAMPLE_MODEL}`, items));
  }

  async status(id: string): Promise<Status> {
    return statusSchema.parse(await this.#call(`/inference/${id}/status`));
  }

  async results(id: string): Promise<Result[]> {
    return resultSchema.parse(await this.#call(`/inference/${id}/results`));
  }

  /** Waits as it is told where it asks too often. */
  async #call(path: string, body?: unknown): Promise<unknown> {
    for (;;) {
      const response = await fetch(this.#url + path, {
        method: body === undefined ? "GET" : "POST",
        headers: { "x-vody-api-key": this.#key, accept: "application/json", "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      if (response.status === 429) {
        await sleep(Number(response.headers.get("retry-after") ?? 1) * 1000);
        continue;
      }
      if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
      return response.json();
    }
  }
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** `count` batches of nearly one size, in order. */
function split<T>(items: readonly T[], count: number): T[][] {
  const size = Math.ceil(items.length / count);
  return Array.from({ length: count }, (_, index) => items.slice(index * size, (index + 1) * size)).filter((batch) => batch.length > 0);
}

/** Asks until all are done, and draws a line about it each time where there is a terminal to draw on. */
async function settle(client: VodyClient, submitted: readonly Status[]): Promise<Status[]> {
  const begun = Date.now();
  for (;;) {
    const statuses = await Promise.all(submitted.map(({ id }) => client.status(id)));
    const done = statuses.filter(({ status }) => status !== "in_progress").length;
    progress(`${bar(done / statuses.length)} ${done} of ${statuses.length} inferences done, ${((Date.now() - begun) / 1000).toFixed(1)} s`);
    if (done === statuses.length) break;
    if (Date.now() - begun > GIVE_UP_MS) throw new Error(`not done after ${GIVE_UP_MS / 1000} s`);
    await sleep(POLL_MS);
  }
  process.stdout.write("\n");
  return Promise.all(submitted.map(({ id }) => client.status(id)));
}

let said = "";
function progress(line: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r  ${line}`);
  else if (line.slice(0, 40) !== said) process.stdout.write(`${said ? "\n" : ""}  ${line}`);
  said = line.slice(0, 40);
}

function statusTable(statuses: readonly Status[]): string {
  return table(
    ["inference", "status", "code", "items in", "items out", "seconds"],
    statuses.map((status) => [
      status.id,
      status.status === "completed" ? green(status.status) : red(status.status),
      status.response_code,
      status.request_item_count,
      status.response_item_count,
      status.response_time,
    ]),
  );
}

const isAsExpected = (entry: GalleryEntry, result: Result | undefined) =>
  result !== undefined &&
  (entry.expected_label === null ? result.error !== null : result.error === null && result.label === entry.expected_label);

function resultTable(rows: readonly { entry: GalleryEntry; result: Result | undefined }[]): string {
  return table(
    ["", "picture", "product", "label", "colours"],
    rows.map(({ entry, result }) => [
      isAsExpected(entry, result) ? green("ok") : red("no"),
      entry.file,
      entry.product_type,
      result && result.error === null ? `${swatch(result.label_hex)} ${result.label}` : dim("-"),
      result === undefined
        ? red("no result")
        : result.error !== null
          ? dim(`error: ${result.error}`)
          : result.colors
              .slice(0, COLOURS_SHOWN)
              .map(({ hex, name, share }) => `${swatch(hex)} ${padded(`${Math.round(share * 100)}%`, 4)}${name} ${dim(hex)}`)
              .join("  "),
    ]),
  );
}

const USAGE = "Usage: npm run demo (it takes no options)";

async function main(): Promise<boolean> {
  const { values } = parseArgs({ options: { help: { type: "boolean", short: "h", default: false } } });
  if (values.help) {
    console.log(USAGE);
    return true;
  }
  const folder = mkdtempSync(join(tmpdir(), "claimcheck-demo-"));
  console.log(bold("Claimcheck demo: the colours of products, through the Vody API\n"));
  console.log(dim("  Starting the runtime and the sample model server …"));
  const deployment = await startDeployment({ host: HOST, port: await freePort(HOST), folder });
  const end = async () => {
    await deployment.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  process.once("SIGINT", () => void end().then(() => process.exit(130)));
  try {
    const gallery = await drawGallery(deployment.pictures);
    const client = new VodyClient(deployment);
    const batches = split(gallery, BATCHES);
    const submitted = await Promise.all(
      batches.map((batch) =>
        client.submit(
          batch.map(({ file, product_type, category, hex_color_label }) => ({
            image_path: `pictures/${file}`,
            product_type,
            category,
            ...(hex_color_label ? { hex_color_label } : {}),
          })),
        ),
      ),
    );
    console.log(dim(`  Submitted ${gallery.length} pictures in ${batches.length} inferences to ${deployment.url}.`));
    const statuses = await settle(client, submitted);
    console.log(`\n${bold("Status")}  ${dim("GET /inference/{id}/status")}\n${statusTable(statuses)}`);
    const completed = statuses.every(({ status }) => status === "completed");
    const results = completed ? (await Promise.all(statuses.map(({ id }) => client.results(id)))).flat() : [];
    const rows = gallery.map((entry, index) => ({ entry, result: results[index] }));
    console.log(`\n${bold("Results")}  ${dim("GET /inference/{id}/results")}\n${resultTable(rows)}`);
    const right = rows.filter(({ entry, result }) => isAsExpected(entry, result)).length;
    const verdict = `${right} of ${rows.length} pictures as expected; the broken file is an error of its item, not of its batch.`;
    console.log(right === rows.length ? green(`\n${verdict}`) : red(`\n${verdict.split(";")[0]}.`));
    return right === rows.length;
  } finally {
    await end();
  }
}

try {
  process.exit((await main()) ? 0 : 1);
} catch (error) {
  if (error instanceof TypeError && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS_"))
    console.error(`${error.message}\n\n${USAGE}`);
  else console.error(error);
  process.exit(1);
}
