/**
 * A scripted GPU server: speaks the Open Inference Protocol over real sockets and answers each inference as it is told,
 * the ways in which a real one lets its clients down included. It stands for what lies outside, and nothing else does.
 * Every call is recorded, with its times and the input it brought.
 */
import { once } from "node:events";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setImmediate as immediate, setTimeout as wait } from "node:timers/promises";
import { listening } from "./listening.ts";
import type { StreamForm } from "./streams.ts";

export type Behaviour =
  /** The input tensors come back as outputs. */
  | { readonly does: "echo"; readonly afterMs: number }
  | { readonly does: "answer"; readonly status: number; readonly headers: Record<string, string>; readonly body: string }
  /** These bytes are all that comes through the connection, which is then closed, reset or left open. */
  | { readonly does: "raw"; readonly bytes: string; readonly after: "close" | "reset" | "nothing" }
  | { readonly does: "flood"; readonly bytes: number; readonly announced: boolean }
  | ChatBehaviour
  /** A stream in the form in which some server has it, with so many ms before each piece. */
  | { readonly does: "stream"; readonly form: Pick<StreamForm, "sends" | "ends">; readonly everyMs: number }
  /** So many events, as fast as they are taken, each of a token and so many bytes of space. */
  | { readonly does: "gush"; readonly events: number; readonly bytes: number };

/** A chat completion of these tokens: whole, or streamed one by one where that is asked for. */
export interface ChatBehaviour {
  readonly does: "chat";
  readonly tokens: readonly string[];
  /** Before each token of a stream, and before a whole answer. */
  readonly everyMs: number;
  /** How a stream ends after its tokens. */
  readonly end: "done" | "reset" | "close" | "hang" | "error";
}

/** Answers at once. */
export const ok: Behaviour = { does: "echo", afterMs: 0 };

/** Answers after a while. */
export function slow(afterMs: number): Behaviour {
  return { does: "echo", afterMs };
}

/** Answers with a status, by default with the protocol's error object. */
export function status(code: number, headers: Record<string, string> = {}, body = `{"error":"scripted ${code}"}`): Behaviour {
  return { does: "answer", status: code, headers: { "Content-Type": "application/json", ...headers }, body };
}

/** Answers 200 with a body that need not be what the protocol promises. */
export function answer(body: unknown): Behaviour {
  return status(200, {}, typeof body === "string" ? body : JSON.stringify(body));
}

const HEAD = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
const HALF = '{"model_name":"scripted","outputs":[{"name":"y",';

/** Takes the request and never answers. */
export const hang: Behaviour = { does: "raw", bytes: "", after: "nothing" };
/** Answers with headers and half of a body, and then nothing more. */
export const stall: Behaviour = { does: "raw", bytes: `${HEAD}Content-Length: 1000\r\n\r\n${HALF}`, after: "nothing" };
/** Breaks the connection instead of an answer. */
export const reset: Behaviour = { does: "raw", bytes: "", after: "reset" };
/** Breaks the connection in the middle of a body of known length. */
export const cut: Behaviour = { does: "raw", bytes: `${HEAD}Content-Length: 1000\r\n\r\n${HALF}`, after: "reset" };
/** Breaks the connection in the middle of a body of unknown length. */
export const cutChunked: Behaviour = {
  does: "raw",
  bytes: `${HEAD}Transfer-Encoding: chunked\r\n\r\n${HALF.length.toString(16)}\r\n${HALF}\r\n`,
  after: "reset",
};
/** Speaks something that is not HTTP. */
export const notHttp: Behaviour = { does: "raw", bytes: "SSH-2.0-OpenSSH_9.6\r\n", after: "close" };

const ANSWER = '{"model_name":"scripted","outputs":[{"name":"y","shape":[1],"datatype":"INT64","data":[1]}]}';
const WHOLE = `${HEAD}Content-Length: ${ANSWER.length}\r\nConnection: close\r\n\r\n${ANSWER}`;

/** Says that there is no content, and sends some. */
export const noContent: Behaviour = { does: "raw", bytes: WHOLE.replace("200 OK", "204 No Content"), after: "close" };
/** Says what is to come before it answers. */
export const hints: Behaviour = {
  does: "raw",
  bytes: `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${WHOLE}`,
  after: "close",
};

/** A whole answer under a Content-Length that is wrong by so many bytes. */
export function wrongLength(by: number): Behaviour {
  return { does: "raw", bytes: `${HEAD}Content-Length: ${ANSWER.length + by}\r\nConnection: close\r\n\r\n${ANSWER}`, after: "close" };
}

/** An answer of so many bytes, its length announced or not. */
export function oversized(bytes: number, announced: boolean): Behaviour {
  return { does: "flood", bytes, announced };
}

/** Answers a chat at once, or streams it token by token with so many ms before each. */
export function chat(tokens: readonly string[] = ["Hel", "lo", " 🙂"], everyMs = 0): ChatBehaviour {
  return { does: "chat", tokens, everyMs, end: "done" };
}

/** As `chat`, but its stream does not come to its end. */
export function chatThen(end: ChatBehaviour["end"], tokens: readonly string[] = ["Hel", "lo"], everyMs = 0): ChatBehaviour {
  return { does: "chat", tokens, everyMs, end };
}

/** Streams in one of the forms of streams.ts. */
export function streams(form: Pick<StreamForm, "sends" | "ends">, everyMs = 0): Behaviour {
  return { does: "stream", form, everyMs };
}

/** The tokens that it counts as the prompt of every chat. */
export const PROMPT_TOKENS = 7;

export interface GpuCall {
  /** Counts from 0. */
  readonly index: number;
  readonly path: string;
  /** Of the request, parsed. */
  readonly body: {
    readonly inputs: readonly { readonly name: string; readonly shape: readonly number[]; readonly data: readonly unknown[] }[];
  };
  /** The request's body as it came. */
  readonly text: string;
  /** When each event of a stream was sent, by `performance.now()`. */
  readonly sentAt: number[];
  /** When it reached the server. */
  readonly arrivedAt: number;
  /** When it was read whole. */
  readonly startedAt: number;
  /** When the answer was sent, or the client was gone; null while it is running. */
  endedAt: number | null;
  /** Whether the whole of an answer was sent, wrong as it may be. */
  answered: boolean;
}

/** What to do with a call: decided for each, or in turn, the last one for all that follow. */
export type Script = ((call: GpuCall) => Behaviour) | readonly Behaviour[];

export interface Gpu {
  /** Without a slash at its end. */
  readonly url: string;
  /** The inferences asked for, oldest first. */
  readonly calls: readonly GpuCall[];
  /** The greatest number of calls that were running at once. */
  readonly mostAtOnce: number;
  /** Another script from now on. */
  does(script: Script): void;
  close(): Promise<void>;
}

/** How the paths end that ask for an inference. */
const INFERENCES = ["/infer", "/chat/completions", "/generate", "/generate_stream"];

const FLOOD = " ".repeat(64 * 1024);

/** `health` decides the status that it answers to whoever asks whether it is ready. */
export async function startGpu(script: Script = [ok], health: () => number = () => 200): Promise<Gpu> {
  const calls: GpuCall[] = [];
  let behaviourOf = chosenBy(script);
  let running = 0;
  let mostAtOnce = 0;

  async function infer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const arrivedAt = Date.now();
    const text = await textOf(request);
    // What has come in together is looked at together: a caller that hung up before this call began must not count.
    await immediate();
    const call: GpuCall = {
      index: calls.length,
      path: request.url ?? "",
      body: JSON.parse(text) as GpuCall["body"], // what the runner sends; the tests look at it
      text,
      sentAt: [],
      arrivedAt,
      startedAt: Date.now(),
      endedAt: null,
      answered: false,
    };
    calls.push(call);
    mostAtOnce = Math.max(mostAtOnce, ++running);
    const over = () => {
      request.socket.off("end", over);
      if (call.endedAt === null) running--;
      call.endedAt ??= Date.now();
      call.answered = response.writableFinished;
    };
    request.socket.once("end", over); // the caller hung up
    response.once("close", over);
    await act(behaviourOf(call), call, response, request.socket);
  }

  const server = createServer((request, response) => {
    const path = request.url ?? "";
    if (request.method === "POST" && INFERENCES.some((end) => path.endsWith(end))) {
      infer(request, response).catch(() => request.socket.destroy());
    } else if (path === "/v1/models") {
      response.setHeader("Content-Type", "application/json");
      response.end('{"object":"list","data":[]}');
    } else if (path.startsWith("/v2/health/") || path.endsWith("/ready")) {
      response.writeHead(health()).end();
    } else if (path.startsWith("/v2/models/")) {
      response.setHeader("Content-Type", "application/json");
      response.end(JSON.stringify({ name: path.split("/")[3], platform: "scripted", inputs: [], outputs: [] }));
    } else {
      response.writeHead(404).end();
    }
  });
  const url = await listening(server);
  return {
    url,
    calls,
    get mostAtOnce() {
      return mostAtOnce;
    },
    does(next) {
      behaviourOf = chosenBy(next);
    },
    async close() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function chosenBy(script: Script): (call: GpuCall) => Behaviour {
  if (typeof script === "function") return script;
  let next = 0;
  return () => script[Math.min(next++, script.length - 1)] ?? ok;
}

async function act(behaviour: Behaviour, call: GpuCall, response: ServerResponse, socket: Socket): Promise<void> {
  switch (behaviour.does) {
    case "echo": {
      const body = JSON.stringify({ model_name: "scripted", outputs: call.body.inputs });
      setTimeout(() => response.setHeader("Content-Type", "application/json").end(body), behaviour.afterMs);
      return;
    }
    case "answer":
      response.writeHead(behaviour.status, behaviour.headers).end(behaviour.body);
      return;
    case "raw":
      await new Promise<void>((resolve) => {
        if (behaviour.bytes === "") resolve();
        else socket.write(behaviour.bytes, () => resolve());
      });
      if (behaviour.after === "close") socket.end();
      if (behaviour.after === "reset") socket.resetAndDestroy();
      return;
    case "flood":
      response.writeHead(200, {
        "Content-Type": "application/json",
        ...(behaviour.announced ? { "Content-Length": behaviour.bytes } : {}),
      });
      await pipeline(Readable.from(spaces(behaviour.bytes)), response);
      return;
    case "chat":
      return chatAs(behaviour, call, response);
    case "stream":
      return streamAs(behaviour, call, response);
    case "gush":
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      await pipeline(Readable.from(gush(behaviour, call)), response);
      return;
    default:
      return behaviour satisfies never;
  }
}

async function chatAs({ tokens, everyMs, end }: ChatBehaviour, call: GpuCall, response: ServerResponse): Promise<void> {
  const asked = JSON.parse(call.text) as { model: string; stream?: boolean; stream_options?: { include_usage?: boolean } }; // what the runner sends
  const head = { id: `chatcmpl-${call.index}`, created: 1_700_000_000, model: asked.model };
  const usage = { prompt_tokens: PROMPT_TOKENS, completion_tokens: tokens.length, total_tokens: PROMPT_TOKENS + tokens.length };
  if (!asked.stream) {
    await pause(everyMs);
    const message = { role: "assistant", content: tokens.join(""), refusal: null };
    const choices = [{ index: 0, message, logprobs: null, finish_reason: "stop" }];
    response.setHeader("Content-Type", "application/json").end(JSON.stringify({ ...head, object: "chat.completion", choices, usage }));
    return;
  }
  const counts = asked.stream_options?.include_usage ? { usage: null } : {};
  const send = (data: unknown) => {
    call.sentAt.push(performance.now());
    response.write(`data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`);
  };
  const chunk = (delta: unknown, finish_reason: string | null) => {
    const choices = [{ index: 0, delta, logprobs: null, finish_reason }];
    return { ...head, object: "chat.completion.chunk", choices, ...counts };
  };
  response.writeHead(200, { "Content-Type": "text/event-stream; charset=utf-8" });
  for (const [index, content] of tokens.entries()) {
    await pause(everyMs);
    if (response.destroyed) return;
    send(chunk({ ...(index === 0 ? { role: "assistant" } : {}), content }, null));
  }
  switch (end) {
    case "done":
      send(chunk({}, "stop"));
      if (asked.stream_options?.include_usage) send({ ...head, object: "chat.completion.chunk", choices: [], usage });
      send("[DONE]");
      response.end();
      return;
    case "error":
      send({ error: { object: "error", message: "out of memory", type: "InternalServerError", param: null, code: 500 } });
      send("[DONE]");
      response.end();
      return;
    case "close":
      response.end();
      return;
    case "reset":
      // What was written is on its way before the connection breaks.
      await new Promise((resolve) => response.write('data: {"id":"chatcmpl', resolve));
      response.socket?.resetAndDestroy();
      return;
    case "hang":
      return;
    default:
      return end satisfies never;
  }
}

async function streamAs({ form, everyMs }: Extract<Behaviour, { does: "stream" }>, call: GpuCall, response: ServerResponse): Promise<void> {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  for (const piece of form.sends) {
    await pause(everyMs);
    if (response.destroyed) return;
    call.sentAt.push(performance.now());
    // What was written is on its way before the connection breaks, or before more comes.
    await new Promise((resolve) => response.write(piece, resolve));
  }
  if (form.ends === "close") response.end();
  else response.socket?.resetAndDestroy();
}

function* gush({ events, bytes }: { events: number; bytes: number }, call: GpuCall): Generator<string> {
  const { model } = JSON.parse(call.text) as { model: string }; // what the runner sends
  const choices = [{ index: 0, delta: { content: "x" }, finish_reason: null }];
  const chunk = JSON.stringify({ id: "chatcmpl", object: "chat.completion.chunk", created: 1, model, choices });
  const event = `data: {${" ".repeat(bytes)}${chunk.slice(1)}\n\n`;
  for (let sent = 0; sent < events; sent++) {
    call.sentAt.push(performance.now());
    yield event;
  }
  yield `data: ${JSON.stringify({ id: "chatcmpl", choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })}\n\ndata: [DONE]\n\n`;
}

const pause = (ms: number) => (ms > 0 ? wait(ms) : Promise.resolve());

function* spaces(bytes: number): Generator<string> {
  for (let left = bytes; left > 0; left -= FLOOD.length) yield FLOOD.slice(0, left);
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk;
  return text;
}
