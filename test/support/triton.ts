/**
 * A client that sends what `tritonclient.http` sends by default, byte for byte, over a socket of its own, and reads what
 * comes back as that does: unversioned paths, no media type, inputs as raw data, and all outputs wanted as raw data
 * where none is asked for by name.
 * Source: triton-inference-server/client, src/python/library/tritonclient/http; geventhttpclient, client.py.
 */
import { type Socket, connect } from "node:net";
import { gunzipSync, gzipSync, inflateSync } from "node:zlib";

export interface TritonInput {
  readonly name: string;
  readonly shape: readonly number[];
  readonly datatype: string;
  /** As numpy and its own serializers give it. */
  readonly bytes: Uint8Array;
}

/** How an output is wanted; by default as raw data. */
export interface TritonOutput {
  readonly name: string;
  readonly binary?: boolean;
}

export interface TritonOptions {
  readonly version?: string;
  readonly outputs?: readonly TritonOutput[];
  readonly requestId?: string;
  readonly priority?: number;
  readonly timeout?: number;
  readonly gzip?: boolean;
}

/** The client's own error: what the server said, and the status. */
export class InferenceServerException extends Error {
  readonly status: string;

  constructor(message: string, status: string) {
    super(message);
    this.status = status;
  }
}

interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

export interface TritonResult {
  readonly head: Record<string, unknown> & { readonly outputs: readonly Record<string, unknown>[] };
  /** The raw data of an output; null where it came in JSON. */
  bytes(name: string): Uint8Array | null;
}

export class TritonClient {
  readonly #host: string;
  readonly #headers: Readonly<Record<string, string>>;
  #socket: Socket | null = null;

  /** `headers` are what a caller of tritonclient gives to each call. */
  constructor(url: string, headers: Readonly<Record<string, string>>) {
    this.#host = new URL(url).host;
    this.#headers = headers;
  }

  close(): void {
    this.#socket?.destroy();
  }

  async isServerLive(): Promise<boolean> {
    return (await this.#get("v2/health/live")).status === 200;
  }

  async isServerReady(): Promise<boolean> {
    return (await this.#get("v2/health/ready")).status === 200;
  }

  async isModelReady(model: string, version = ""): Promise<boolean> {
    return (await this.#get(`${pathOf(model, version)}/ready`)).status === 200;
  }

  async serverMetadata(): Promise<Record<string, unknown>> {
    return objectIn(good(await this.#get("v2")).body);
  }

  async modelMetadata(model: string, version = ""): Promise<Record<string, unknown>> {
    return objectIn(good(await this.#get(pathOf(model, version))).body);
  }

  async infer(model: string, inputs: readonly TritonInput[], options: TritonOptions = {}): Promise<TritonResult> {
    const { version = "", outputs, requestId = "", priority = 0, timeout } = options;
    const parameters = {
      ...(priority === 0 ? {} : { priority }),
      ...(timeout === undefined ? {} : { timeout }),
      ...(outputs ? {} : { binary_data_output: true }),
    };
    const request = {
      ...(requestId === "" ? {} : { id: requestId }),
      inputs: inputs.map(({ name, shape, datatype, bytes }) => ({ name, shape, datatype, parameters: { binary_data_size: bytes.length } })),
      ...(outputs ? { outputs: outputs.map(({ name, binary = true }) => ({ name, parameters: { binary_data: binary } })) } : {}),
      ...(Object.keys(parameters).length > 0 ? { parameters } : {}),
    };
    // rapidjson writes no white space, and ASCII alone.
    const json = JSON.stringify(request).replaceAll(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
    const whole = Buffer.concat([Buffer.from(json), ...inputs.map(({ bytes }) => bytes)]);
    const body = options.gzip ? gzipSync(whole) : whole;
    const headers = { ...(options.gzip ? { "Content-Encoding": "gzip" } : {}), "Inference-Header-Content-Length": String(json.length) };
    return resultIn(good(await this.#send("POST", `${pathOf(model, version)}/infer`, headers, body)));
  }

  #get(uri: string): Promise<Answer> {
    return this.#send("GET", uri, {}, null);
  }

  async #send(method: string, uri: string, headers: Readonly<Record<string, string>>, body: Buffer | null): Promise<Answer> {
    const fields = {
      Connection: "Keep-Alive",
      "User-Agent": "python/gevent-http-client-2.3.3",
      Host: this.#host,
      ...this.#headers,
      ...headers,
      ...(body ? { "Content-Length": String(body.length) } : {}),
    };
    const lines = [`${method} /${uri} HTTP/1.1`, ...Object.entries(fields).map(([name, value]) => `${name}: ${value}`), "", ""];
    const socket = await this.#open();
    const answer = read(socket);
    socket.write(lines.join("\r\n"));
    if (body) socket.write(body);
    return answer;
  }

  /** The connection that is kept. */
  async #open(): Promise<Socket> {
    if (this.#socket && !this.#socket.destroyed) return this.#socket;
    const [host = "", port = "80"] = this.#host.split(":");
    const socket = connect(Number(port), host);
    this.#socket = socket;
    await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return socket;
  }
}

function pathOf(model: string, version: string): string {
  const path = `v2/models/${encodeURIComponent(model)}`;
  return version === "" ? path : `${path}/versions/${version}`;
}

function objectIn(body: Buffer): Record<string, unknown> {
  return JSON.parse(body.toString("utf8")) as Record<string, unknown>; // as json.loads; the tests look at it
}

function good(answer: Answer): Answer {
  if (answer.status !== 200) throw new InferenceServerException(String(objectIn(answer.body)["error"]), String(answer.status));
  return answer;
}

function resultIn({ headers, body }: Answer): TritonResult {
  const encoding = headers.get("content-encoding");
  const plain = encoding === "gzip" ? gunzipSync(body) : encoding === "deflate" ? inflateSync(body) : body;
  const length = headers.get("inference-header-content-length");
  const head = objectIn(length === undefined ? plain : plain.subarray(0, Number(length))) as TritonResult["head"]; // as above
  const buffer = length === undefined ? Buffer.alloc(0) : plain.subarray(Number(length));
  const places = new Map<string, Uint8Array>();
  let at = 0;
  for (const output of head.outputs) {
    const { binary_data_size: size } = (output["parameters"] ?? {}) as { binary_data_size?: number }; // as above
    if (size === undefined) continue;
    places.set(String(output["name"]), new Uint8Array(buffer.subarray(at, at + size)));
    at += size;
  }
  return { head, bytes: (name) => places.get(name) ?? null };
}

/** One answer of a connection that stays open: its length is announced, or it comes in chunks. */
async function read(socket: Socket): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    const take = (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      const answer = answerIn(bytes);
      if (answer) end(() => resolve(answer));
    };
    const fail = (error: Error) => end(() => reject(error));
    const closed = () => end(() => reject(new Error("closed by the server")));
    const end = (then: () => void) => {
      socket.off("data", take).off("error", fail).off("close", closed);
      then();
    };
    socket.on("data", take).once("error", fail).once("close", closed);
  });
}

/** Null while it is not whole. */
function answerIn(bytes: Buffer): Answer | null {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const [first = "", ...lines] = bytes.toString("latin1", 0, end).split("\r\n");
  const headers = new Map(lines.map((line) => [line.slice(0, line.indexOf(":")).toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]));
  const rest = bytes.subarray(end + 4);
  const status = Number(first.split(" ")[1]);
  const body = headers.get("transfer-encoding") === "chunked" ? dechunked(rest) : counted(rest, Number(headers.get("content-length") ?? 0));
  return body && { status, headers, body };
}

function counted(rest: Buffer, length: number): Buffer | null {
  return rest.length >= length ? rest.subarray(0, length) : null;
}

function dechunked(rest: Buffer): Buffer | null {
  const parts: Buffer[] = [];
  for (let at = 0; ;) {
    const line = rest.indexOf("\r\n", at);
    if (line < 0) return null;
    const size = Number.parseInt(rest.toString("latin1", at, line), 16);
    if (rest.length < line + 2 + size + 2) return null;
    if (size === 0) return Buffer.concat(parts);
    parts.push(rest.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
}
