/**
 * PURE. Cuts a stream's bytes into events, and frames the data of ours in the one form that every client reads. It reads
 * what the standard has servers send, and keeps what the standard has clients ignore but servers say all the same.
 * Source: WHATWG HTML, 9.2, Server-sent events.
 */
import { writeJson } from "../../encoding/json.ts";

/** A block of a stream, up to the blank line that ends it. */
export interface ServerEvent {
  /** Its name; "" by default. */
  readonly name: string;
  /** Its lines of data; null without any. */
  readonly data: string | null;
  /** What no field of the standard frames: the values of `error:` lines, and other lines as they came. */
  readonly unframed: string;
}

/** The data of the event that ends a stream of OpenAI's API. */
export const DONE = "[DONE]";

/**
 * Said in the pauses of a stream: a comment, without a blank line after it. Decoders of some clients take that line for
 * the end of an event, which then holds no JSON.
 */
export const KEEP_ALIVE = ":\n";

/**
 * What ends a line to some clients, Python's httpx among them, though not by the standard. JSON may hold these characters in
 * its texts alone, where an escape means the same.
 */
const ODD_LINE_ENDS = /[\u0085\u2028\u2029]/g;

/** The same JSON, in which no client sees the end of a line but where one is. */
export function safeLines(json: string): string {
  return json.replace(ODD_LINE_ENDS, (end) => `\\u${end.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** An event of this JSON, or `[DONE]`, in the one form that every client reads: no name, no id, LF. */
export function framed(data: string): string {
  const lines = safeLines(data);
  return `data: ${lines.includes("\n") ? lines.replaceAll("\n", "\ndata: ") : lines}\n\n`;
}

/** Cuts bytes into events. Lines end in LF, CR or CR LF; a last block needs no blank line after it. */
export class EventReader {
  readonly #decoder = new TextDecoder();
  #afterCr = false;
  #line = "";
  #block = new Block();

  /** Characters of the event that has not ended yet. */
  get heldCharacters(): number {
    return this.#line.length + this.#block.characters;
  }

  *of(bytes: Uint8Array): Generator<ServerEvent> {
    yield* this.#events(this.#decoder.decode(bytes, { stream: true }));
  }

  /** What has come of an event that nothing ended. */
  *rest(): Generator<ServerEvent> {
    yield* this.#events(`${this.#decoder.decode()}\n\n`);
  }

  *#events(text: string): Generator<ServerEvent> {
    if (text === "") return;
    const [begun = "", ...lines] = (this.#afterCr && text.startsWith("\n") ? text.slice(1) : text).split(/\r\n|\n|\r/);
    this.#afterCr = text.endsWith("\r"); // it has ended its line; an LF after it belongs to it
    this.#line += begun;
    for (const line of lines) {
      if (this.#line !== "") this.#block.add(this.#line);
      else if (!this.#block.isEmpty) {
        yield this.#block.event();
        this.#block = new Block();
      }
      this.#line = line;
    }
  }
}

/** The lines of one event. */
class Block {
  #name = "";
  #data: string[] = [];
  #unframed: string[] = [];
  characters = 0;

  get isEmpty(): boolean {
    return this.characters === 0;
  }

  add(line: string): void {
    this.characters += line.length;
    const colon = line.indexOf(":");
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
    switch (name) {
      case "data":
        this.#data.push(value);
        return;
      case "event":
        this.#name = value;
        return;
      case "": // a comment
      case "id":
      case "retry":
        return;
      case "error":
        this.#unframed.push(/^\s*\{/.test(value) ? `{"error":${value}}` : `{"error":${writeJson(value)}}`);
        return;
      default:
        this.#unframed.push(line);
    }
  }

  event(): ServerEvent {
    return { name: this.#name, data: this.#data.length > 0 ? this.#data.join("\n") : null, unframed: this.#unframed.join("\n") };
  }
}
