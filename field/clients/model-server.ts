/**
 * The models that clients' own examples ask for: Triton's "simple" (sum and difference), "simple_string" and "simple_identity", in
 * JSON; and an OpenAI server with a chat, a text, embeddings, and the calls of Text Embeddings Inference.
 */
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import { json } from "node:stream/consumers";
import { listening } from "../../test/support/listening.ts";

interface Tensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly datatype: string;
  readonly data: readonly (string | number)[];
}

interface Asked {
  readonly inputs: readonly Tensor[] & readonly string[];
  readonly input: string | readonly string[];
  readonly texts: readonly string[];
  readonly text_input: string;
  readonly messages: readonly { readonly content: string }[];
  readonly encoding_format?: string;
  readonly stream?: boolean;
}

/** What the chat says, whatever it is asked; a prompt of its own makes it fail. */
const WORDS = ["Red", " and", " blue", " 🙂"];
export const FAILS = "please fail";
export const FAILS_ONCE = "please fail once";
const failedOnce = new Set<string>();
/** Exact in float32. */
const VECTOR = [0.5, 1, -0.25];

export interface ModelServer {
  readonly url: string;
  close(): void;
}

export async function startModelServer(): Promise<ModelServer> {
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (!response.headersSent) response.writeHead(500);
      response.end(String(error));
    });
  });
  const url = await listening(server);
  return {
    url,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = new URL(request.url ?? "/", "http://model").pathname;
  if (request.method === "GET") return send(response, 200, described(path));
  const asked = (await json(request)) as Asked; // as the deployment sends it
  if (path.endsWith("/infer")) return send(response, 200, inferred(path.split("/").at(-2) ?? "", asked));
  if (path.endsWith("/generate")) return send(response, 200, { model_name: "text", text_output: asked.text_input.toUpperCase() });
  if (path.endsWith("/chat/completions")) return chat(response, asked);
  if (path.endsWith("/embeddings")) return send(response, 200, embeddings(asked));
  if (path.endsWith("/rerank"))
    return send(
      response,
      200,
      asked.texts.map((text, index) => ({ index, score: 1 - index / 4, text })),
    );
  if (path.endsWith("/predict"))
    return send(
      response,
      200,
      asked.inputs.map(() => [{ label: "red", score: 0.75 }]),
    );
  if (path.endsWith("/embed")) return send(response, 200, [VECTOR]);
  if (path === "/echo") return send(response, 200, asked);
  send(response, 404, { error: { message: `nothing at ${path}`, type: "not_found", code: null, param: null } });
}

function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "Content-Type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

function described(path: string): unknown {
  if (path === "/v2") return { name: "models", version: "1", extensions: [] };
  const name = path.split("/")[3] ?? "";
  const datatype = name === "simple" ? "INT32" : "BYTES";
  const tensor = (title: string) => ({ name: title, datatype, shape: [-1, 16] });
  return name === "simple_identity"
    ? { name, versions: ["1"], platform: "none", inputs: [tensor("INPUT0")], outputs: [tensor("OUTPUT0")] }
    : {
        name,
        versions: ["1"],
        platform: "none",
        inputs: [tensor("INPUT0"), tensor("INPUT1")],
        outputs: [tensor("OUTPUT0"), tensor("OUTPUT1")],
      };
}

function inferred(model: string, { inputs }: Asked): unknown {
  const [first, second] = inputs;
  if (!first) throw new Error("no tensor");
  const tensor = (name: string, data: readonly (string | number)[]) => ({ name, shape: first.shape, datatype: first.datatype, data });
  if (!second || model === "simple_echo") return { model_name: model, outputs: [tensor("OUTPUT0", first.data)] };
  const each = (of: (one: number, two: number) => number) =>
    first.data.map((value, index) => {
      const made = of(Number(value), Number(second.data[index]));
      return first.datatype === "BYTES" ? String(made) : made;
    });
  return {
    model_name: model,
    outputs: [
      tensor(
        "OUTPUT0",
        each((one, two) => one + two),
      ),
      tensor(
        "OUTPUT1",
        each((one, two) => one - two),
      ),
    ],
  };
}

function chat(response: ServerResponse, { messages, stream }: Asked): void {
  const prompt = messages.at(-1)?.content ?? "";
  if (prompt.startsWith(FAILS) && !failedOnce.has(prompt)) {
    if (prompt.startsWith(FAILS_ONCE)) failedOnce.add(prompt);
    const status = prompt.startsWith(FAILS_ONCE) ? 503 : 400;
    return send(response, status, { error: { message: "no such color: mauve", type: "invalid_request_error", param: null, code: null } });
  }
  const head = { id: "chat-1", created: 1, model: "chat", system_fingerprint: null };
  const usage = { prompt_tokens: 3, completion_tokens: WORDS.length, total_tokens: 3 + WORDS.length };
  if (!stream) {
    const message = { role: "assistant", content: WORDS.join("") };
    return send(response, 200, { ...head, object: "chat.completion", choices: [{ index: 0, message, finish_reason: "stop" }], usage });
  }
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  const chunk = (choices: unknown[], more: object = {}) =>
    response.write(`data: ${JSON.stringify({ ...head, object: "chat.completion.chunk", choices, ...more })}\n\n`);
  for (const [index, content] of WORDS.entries()) {
    chunk([{ index: 0, delta: index === 0 ? { role: "assistant", content } : { content }, finish_reason: null }]);
  }
  chunk([{ index: 0, delta: {}, finish_reason: "stop" }]);
  chunk([], { usage });
  response.end("data: [DONE]\n\n");
}

function embeddings({ input, encoding_format }: Asked): unknown {
  const texts = typeof input === "string" ? [input] : input;
  const vector = encoding_format === "base64" ? Buffer.from(new Float32Array(VECTOR).buffer).toString("base64") : VECTOR;
  return {
    object: "list",
    model: "embedder",
    data: texts.map((_, index) => ({ object: "embedding", index, embedding: vector })),
    usage: { prompt_tokens: texts.length, total_tokens: texts.length },
  };
}
