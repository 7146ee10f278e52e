// A GPU server's stand-in: Open Inference Protocol (REST) over node:http with one real model, color-classification.
// https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md
//
// Invariant: a malformed request is refused whole with {"error"}, and from a well-formed one every item gets its answer: a picture that
// cannot be opened is text in the `error` output, never a failed batch.
// Work belongs to its connection: when the client goes away, what its pictures still needed is dropped.
// What may go wrong: it fetches any http(s) address it is asked to; keep it on loopback or among trusted callers.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import * as z from "zod";
import { classifyColors, type Classification } from "./colors.ts";
import { parseHex } from "./color-space.ts";
import { openPicture, PICTURE_LIMITS, type PictureLimits } from "./pictures.ts";

export interface SampleServerOptions {
  host?: string;
  /** 0: any free one */
  port?: number;
  /** the folder behind `pictures/<name>` */
  pictures: string;
  pictureLimits?: PictureLimits;
  log?: (event: SampleServerEvent) => void;
}

export type SampleServerEvent =
  | { event: "infer"; id: string | null; items: number; failed: number; ms: number }
  | { event: "abandoned"; id: string | null; items: number; ms: number }
  | { event: "refused"; status: number; error: string }
  | { event: "broken"; error: string };

export interface SampleServer {
  /** without a slash at its end */
  url: string;
  /** Stops listening and ends every connection, idle or not. */
  close(): Promise<void>;
}

const MAX_ITEMS = 256;
const MAX_BODY_BYTES = 16 * 2 ** 20;
/** A client that is told 413 while it still sends sees a reset instead; what comes up to here is read and thrown away first. */
const MAX_DISCARDED_BYTES = 4 * MAX_BODY_BYTES;
/** `data` may be nested; nobody nests a list of texts deeper. */
const MAX_NESTING = 4;

const SERVER = { name: "claimcheck-sample", version: "1.0.0", extensions: [] };
const MODEL = "color-classification";
const VERSION = "1";
const JSON_TEXT = { content_type: "application/json" };

const INPUTS = { image_path: "required", product_type: "required", category: "optional", hex_color_label: "optional" } as const;
type InputName = keyof typeof INPUTS;

interface Output {
  name: string;
  datatype: "BYTES" | "FP32";
  parameters?: Record<string, string>;
  of(this: void, item: Item): string | number;
}

/** In the order of the answer. */
const OUTPUTS: readonly Output[] = [
  { name: "label", datatype: "BYTES", of: (item) => item.found?.label ?? "" },
  { name: "label_hex", datatype: "BYTES", of: (item) => item.found?.labelHex ?? "" },
  { name: "label_share", datatype: "FP32", of: (item) => item.found?.labelShare ?? 0 },
  { name: "colors", datatype: "BYTES", parameters: JSON_TEXT, of: (item) => JSON.stringify(item.found?.colors ?? []) },
  { name: "error", datatype: "BYTES", parameters: JSON_TEXT, of: (item) => JSON.stringify(item.error) },
];

const METADATA = {
  name: MODEL,
  versions: [VERSION],
  platform: "claimcheck_colors",
  inputs: Object.keys(INPUTS).map((name) => ({ name, datatype: "BYTES", shape: [-1] })),
  outputs: OUTPUTS.map(({ name, datatype }) => ({ name, datatype, shape: [-1] })),
};

type Item = { found: Classification; error: null } | { found: null; error: string };

const Parameters = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]));
const InferRequest = z.object({
  id: z.string().optional(),
  parameters: Parameters.optional(),
  inputs: z.array(
    z.object({
      name: z.string(),
      shape: z.array(z.int().nonnegative()),
      datatype: z.string(),
      parameters: Parameters.optional(),
      data: z.array(z.unknown()),
    }),
  ),
  outputs: z.array(z.object({ name: z.string(), parameters: Parameters.optional() })).optional(),
});
type InferRequest = z.infer<typeof InferRequest>;

/** An answer other than 200; its message goes to the client. */
class Refusal extends Error {
  readonly status: number;
  readonly headers: Record<string, string>;
  constructor(status: number, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/**
 * Starts the server and waits until it listens.
 *
 * @throws the error of `listen`, when the address is taken
 */
export async function startSampleServer(options: SampleServerOptions): Promise<SampleServer> {
  const { host = "127.0.0.1", port = 0, log = () => {} } = options;
  const server = createServer((request, response) => void answer(request, response, options, log));
  await new Promise<void>((listening, fail) => {
    server.once("error", fail);
    server.listen(port, host, listening);
  });
  const address = server.address();
  const bound = typeof address === "object" && address !== null ? address.port : port;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    close: () =>
      new Promise<void>((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

type Log = (event: SampleServerEvent) => void;

async function answer(request: IncomingMessage, response: ServerResponse, options: SampleServerOptions, log: Log): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  try {
    const { methods, handle } = route(request.url?.split("?", 1)[0] ?? "");
    if (!methods.includes(request.method ?? ""))
      throw new Refusal(405, `this path answers ${methods.join(", ")}`, { allow: methods.join(", ") });
    const body = await handle({ request, options, log, signal: gone.signal });
    send(response, 200, body);
  } catch (error) {
    if (gone.signal.aborted || request.errored !== null) return; // nobody is left to answer
    if (error instanceof Refusal) {
      log({ event: "refused", status: error.status, error: error.message });
      send(response, error.status, { error: error.message }, error.headers);
    } else {
      log({ event: "broken", error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
      send(response, 500, { error: "internal error" });
    }
  }
}

function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  const text = Buffer.from(JSON.stringify(body));
  response.writeHead(status, { "content-type": "application/json", "content-length": text.length, ...headers }).end(text);
}

interface Call {
  request: IncomingMessage;
  options: SampleServerOptions;
  log: Log;
  signal: AbortSignal;
}

interface Route {
  methods: string[];
  handle(this: void, call: Call): unknown;
}

const READ = ["GET", "HEAD"];

/** The paths of the protocol, with KServe's `GET /v2/models`, and with `/v2/` since the protocol's OpenAPI document has that one. */
function route(path: string): Route {
  const read = (body: unknown): Route => ({ methods: READ, handle: () => body });
  switch (path) {
    case "/v2":
    case "/v2/":
      return read(SERVER);
    case "/v2/health/live":
      return read({ live: true });
    case "/v2/health/ready":
      return read({ ready: true });
    case "/v2/models":
      return read({ models: [MODEL] });
  }
  const [, name, version, verb] = /^\/v2\/models\/([^/]+)(?:\/versions\/([^/]+))?(?:\/(ready|infer))?$/.exec(path) ?? [];
  if (name === undefined) throw new Refusal(404, "no such path");
  if (decode(name) !== MODEL) throw new Refusal(404, "unknown model");
  if (version !== undefined && decode(version) !== VERSION) throw new Refusal(404, `unknown version of model ${MODEL}`);
  if (verb === "infer") return { methods: ["POST"], handle: infer };
  return read(verb === "ready" ? { name: MODEL, ready: true } : METADATA);
}

function decode(segment: string): string | null {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}

async function infer({ request, options, log, signal }: Call): Promise<unknown> {
  const start = performance.now();
  const inference = parseRequest(await readBody(request));
  const outputs = OUTPUTS.filter(({ name }) => inference.outputs?.some((output) => output.name === name) ?? true);
  for (const { name } of inference.outputs ?? [])
    if (!OUTPUTS.some((output) => output.name === name)) throw new Refusal(400, `unknown output ${quote(name)}`);
  const columns = readColumns(inference);

  const id = inference.id ?? null;
  const count = columns.image_path.length;
  const elapsed = () => Math.round(performance.now() - start);
  let items: Item[];
  try {
    items = await Promise.all(columns.image_path.map((path, i) => classify(path, columns.hex_color_label[i] ?? "", options, signal)));
  } catch (error) {
    if (signal.aborted) log({ event: "abandoned", id, items: count, ms: elapsed() });
    throw error;
  }
  log({ event: "infer", id, items: count, failed: items.filter(({ error }) => error !== null).length, ms: elapsed() });
  return {
    model_name: MODEL,
    model_version: VERSION,
    ...(id === null ? {} : { id }),
    outputs: outputs.map(({ of, ...tensor }) => ({ ...tensor, shape: [count], data: items.map(of) })),
  };
}

async function classify(path: string, hexLabel: string, options: SampleServerOptions, signal: AbortSignal): Promise<Item> {
  const near = parseHex(hexLabel);
  if (hexLabel !== "" && near === null) return { found: null, error: "hex_color_label is not #RRGGBB" };
  const opened = await openPicture(path, options.pictures, signal, options.pictureLimits ?? PICTURE_LIMITS);
  if (!opened.ok) return { found: null, error: opened.error };
  const found = classifyColors(opened.raster, near ?? undefined);
  return found === null ? { found, error: "picture is wholly transparent" } : { found, error: null };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const tooLarge = new Refusal(413, `body is larger than ${MAX_BODY_BYTES} bytes`, { connection: "close" });
  if (Number(request.headers["content-length"] ?? 0) > MAX_DISCARDED_BYTES) throw tooLarge;
  const chunks: Buffer[] = [];
  let length = 0;
  // With a listener instead of `for await`: leaving that loop would destroy the socket before the answer is sent.
  await new Promise<void>((read, fail) => {
    request.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length <= MAX_BODY_BYTES) chunks.push(chunk);
      else if (length > MAX_DISCARDED_BYTES) fail(tooLarge);
    });
    request.once("end", read);
    request.once("error", fail);
  });
  if (length > MAX_BODY_BYTES) throw tooLarge;
  return Buffer.concat(chunks, length);
}

function parseRequest(body: Buffer): InferRequest {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    throw new Refusal(400, "body is not JSON");
  }
  const parsed = InferRequest.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new Refusal(400, `${issue?.path.join(".") || "body"}: ${issue?.message ?? "malformed"}`);
}

/** One list of texts for each input, all of one length; an optional input that was not sent is a list of "". */
function readColumns({ inputs }: InferRequest): Record<InputName, string[]> {
  const sent = new Map<string, string[]>();
  for (const input of inputs) {
    if (!Object.hasOwn(INPUTS, input.name)) throw new Refusal(400, `unknown input ${quote(input.name)}`);
    if (sent.has(input.name)) throw new Refusal(400, `input ${quote(input.name)} is given twice`);
    sent.set(input.name, readTexts(input));
  }
  for (const [name, presence] of Object.entries(INPUTS))
    if (presence === "required" && !sent.has(name)) throw new Refusal(400, `input ${quote(name)} is missing`);

  const count = sent.get("image_path")?.length ?? 0;
  if (count < 1 || count > MAX_ITEMS) throw new Refusal(400, `a batch has 1 to ${MAX_ITEMS} items, not ${count}`);
  for (const [name, texts] of sent)
    if (texts.length !== count)
      throw new Refusal(400, `inputs are of unlike length: "image_path" has ${count}, ${quote(name)} has ${texts.length}`);
  const column = (name: InputName) => sent.get(name) ?? Array.from({ length: count }, () => "");
  return {
    image_path: column("image_path"),
    product_type: column("product_type"),
    category: column("category"),
    hex_color_label: column("hex_color_label"),
  };
}

/** Row-major order makes nested and flat data the same list. */
function readTexts({ name, datatype, shape, data }: InferRequest["inputs"][number]): string[] {
  if (datatype !== "BYTES") throw new Refusal(400, `input ${quote(name)} is of datatype BYTES, not ${quote(datatype)}`);
  // [N, 1] is what clients send that always put a batch dimension before the element's own.
  if (shape.length < 1 || shape.slice(1).some((size) => size !== 1))
    throw new Refusal(400, `input ${quote(name)} has shape [N], not [${shape.join(", ")}]`);
  const texts: unknown[] = data.flat(MAX_NESTING);
  const named = shape[0] ?? 0;
  if (texts.length !== named) throw new Refusal(400, `input ${quote(name)}: shape names ${named} elements, data has ${texts.length}`);
  return texts.map((text, i) => {
    if (typeof text !== "string") throw new Refusal(400, `input ${quote(name)}: element ${i} is not a string`);
    return text;
  });
}

/** What a client wrote, made safe and short enough to be sent back. */
function quote(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}
