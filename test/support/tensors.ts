/**
 * A server of the Open Inference Protocol that gives back what it gets, tensor for tensor, as JSON or as raw data; and
 * for text, words. It knows nothing of what the Worker knows of tensors: raw data is cut by its sizes and never looked
 * at, and numbers in JSON go back as the digits that came.
 */

/** What reached it. */
export interface TensorCall {
  readonly method: string;
  readonly path: string;
  /** Of the JSON before raw data; null where there is none. */
  readonly headLength: number | null;
  readonly contentType: string | null;
  /** The JSON, with its data as it came. */
  readonly text: string;
  /** The raw data after it. */
  readonly tail: Uint8Array;
}

interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly datatype: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly data?: unknown;
}

/** Newer than the types that there are of it. */
const exact = JSON as unknown as {
  parse(text: string, reviver: (name: string, value: unknown, context: { source: string }) => unknown): unknown;
  rawJSON(text: string): unknown;
};

/** JSON whose numbers are written again as they were. */
function parsed(text: string): unknown {
  return exact.parse(text, (_, value, { source }) => (typeof value === "number" ? exact.rawJSON(source) : value));
}

const HEAD_LENGTH = "inference-header-content-length";
const encode = (text: string) => new TextEncoder().encode(text);

export class TensorServer {
  readonly calls: TensorCall[] = [];
  readonly #binary: boolean;

  /** Whether it lists the extension for raw data; without it, it takes none. */
  constructor({ binary }: { readonly binary: boolean }) {
    this.#binary = binary;
  }

  /** Requests that asked for an inference, in either form. */
  get inferences(): TensorCall[] {
    return this.calls.filter(({ path }) => path.endsWith("/infer"));
  }

  readonly answer = async (request: Request): Promise<Response> => {
    const path = new URL(request.url).pathname;
    const length = request.headers.get(HEAD_LENGTH);
    const body = new Uint8Array(await request.arrayBuffer());
    const headLength = length === null ? null : Number(length);
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(body.subarray(0, headLength ?? body.length));
    const tail = body.subarray(headLength ?? body.length);
    this.calls.push({ method: request.method, path, headLength, contentType: request.headers.get("content-type"), text, tail });
    if (request.method === "GET") return this.#metadata(path);
    if (path.endsWith("/infer")) return this.#infer(text, headLength === null ? null : tail);
    const { text_input } = JSON.parse(text) as { text_input: string }; // as below
    return path.endsWith("/generate_stream") ? streamed(text_input) : Response.json(said(text_input));
  };

  #metadata(path: string): Response {
    if (path === "/v2") {
      return Response.json({ name: "echo", version: "9", extensions: this.#binary ? ["classification", "binary_tensor_data"] : [] });
    }
    if (path.endsWith("/ready")) return new Response();
    const tensors = [{ name: "x", datatype: "FP32", shape: [-1, 2] }];
    return Response.json({ name: "remote", versions: ["9"], platform: "echo_v1", inputs: tensors, outputs: tensors, more: true });
  }

  #infer(text: string, tail: Uint8Array | null): Response {
    const { inputs, outputs } = parsed(text) as { inputs: Tensor[]; outputs?: { name: string }[] }; // what the Worker sends; else this throws, which the test sees
    const wanted = (tensors: readonly Tensor[]) =>
      outputs ? outputs.flatMap(({ name }) => tensors.filter((tensor) => tensor.name === name)) : tensors;
    if (tail === null) {
      if (this.#binary) return Response.json({ error: "I am asked for JSON" }, { status: 400 });
      const body = JSON.stringify({ model_name: "remote", model_version: "9", outputs: wanted(inputs) });
      return new Response(body, { headers: { "Content-Type": "application/json" } });
    }
    if (!this.#binary) return Response.json({ error: "I take no raw data" }, { status: 400 });
    let at = 0;
    const data = new Map<string, Uint8Array>();
    for (const { name, parameters } of inputs) {
      const size = Number(JSON.stringify(parameters?.["binary_data_size"]));
      data.set(name, tail.subarray(at, at + size));
      at += size;
    }
    const head = encode(JSON.stringify({ model_name: "remote", model_version: "9", outputs: wanted(inputs) }));
    return new Response(new Blob([head, ...wanted(inputs).map(({ name }) => data.get(name) ?? "")]), {
      headers: { "Content-Type": "application/octet-stream", [HEAD_LENGTH]: String(head.length) },
    });
  }
}

const said = (text: string) => ({ model_name: "remote", model_version: "9", text_output: text });

const WORD_MS = 5;

/** Word for word, each with its details. */
function streamed(text: string): Response {
  const words = text.split(/(?<= )/);
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      for (const [id, word] of words.entries()) {
        const details = { finish_reason: "eos_token", token: { id, text: word, logprob: -0.5, special: false } };
        controller.enqueue(encode(`data: ${JSON.stringify({ ...said(word), details })}\n\n`));
        await new Promise((resolve) => setTimeout(resolve, WORD_MS));
      }
      controller.close();
    },
  });
  return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
}
