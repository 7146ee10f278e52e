/**
 * PURE but for what it hands on to. A multipart body (RFC 2046, 5.1; the parts of multipart/form-data: RFC 7578), taken apart
 * while it comes: no more of it is kept than could be the beginning of a boundary. What is before the first boundary and
 * after the last is passed over, as the RFC has it. A body that ends before its last boundary was cut.
 * Lines may end in LF alone, as some scripts write them. How the first boundary's line ends says how the others do: where it
 * is LF, a CR before a boundary belongs to the part.
 */
import { joined } from "../encoding/chunks.ts";
import { Malformed } from "../encoding/result.ts";
import { BrokenOff } from "../encoding/streams.ts";
import { MULTIPART_HEAD_BYTES, PARTS_MAX } from "../limits.ts";
import { type PartHead, partHeadOf } from "./part-head.ts";
import { type Decoder, decoderOf } from "./transfer.ts";

/** Takes the parts, one after the other. */
export interface PartsTaker {
  begin(head: PartHead): Promise<void>;
  /** The chunk is not the taker's after this. */
  data(chunk: Uint8Array): Promise<void>;
  end(): Promise<void>;
}

/** The boundary of a multipart media type; null where it is none. */
export function boundaryOf(contentType: string): string | null {
  if (!/^multipart\/(?:mixed|form-data|related)\s*;/i.test(contentType)) return null;
  const [, quoted, bare] = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType) ?? [];
  return quoted ?? bare ?? null;
}

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const DASH = 0x2d;

/** What a boundary's line may have after it (RFC 2046, 5.1.1: "transport padding"). */
const PADDING_MAX = 200;

export class MultipartReader {
  /** Without the CR that may be before it. */
  readonly #delimiter: Uint8Array;
  readonly #taker: PartsTaker;
  #state: "before" | "head" | "body" | "after" = "before";
  /** What has come and was not used yet. The line break that a delimiter begins with may be missing at the very start. */
  #rest: Uint8Array = new Uint8Array([LF]);
  /** Whether lines end in CR and LF; not known before the first boundary. */
  #hasCr = false;
  #decoder: Decoder | null = null;
  #parts = 0;

  constructor(boundary: string, taker: PartsTaker) {
    this.#delimiter = new TextEncoder().encode(`\n--${boundary}`);
    this.#taker = taker;
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.#state === "after") return;
    this.#rest = joined([this.#rest, chunk]);
    while (await this.#step());
  }

  /** Throws where the last boundary has not come. */
  end(): void {
    if (this.#state !== "after") throw new BrokenOff("a multipart body without its last boundary");
  }

  /** False where more has to come first. */
  async #step(): Promise<boolean> {
    if (this.#state === "after") return false;
    if (this.#state === "head") return this.#head();
    const at = indexOf(this.#rest, this.#delimiter);
    if (at === -1) {
      await this.#pass(Math.max(0, this.#rest.byteLength - this.#delimiter.byteLength));
      return false;
    }
    const after = at + this.#delimiter.byteLength;
    const line = boundaryLine(this.#rest, after);
    if (line === null) {
      await this.#pass(this.#beginning(at));
      return false;
    }
    if (line === "none") {
      // It only begins like the boundary, as that of parts within a part may.
      await this.#pass(at + 1);
      return true;
    }
    const begins = this.#beginning(at);
    await this.#pass(begins);
    if (this.#state === "body") await this.#endPart();
    if (line === "last") {
      this.#state = "after";
      return false;
    }
    this.#rest = this.#rest.subarray(line - begins);
    if (this.#parts === 0) this.#hasCr = this.#rest[0] === CR;
    this.#state = "head";
    return true;
  }

  /** Where a delimiter begins whose LF is there. */
  #beginning(at: number): number {
    return this.#hasCr && this.#rest[at - 1] === CR ? at - 1 : at;
  }

  async #head(): Promise<boolean> {
    const blank = blankLine(this.#rest);
    if (blank === null) {
      if (this.#rest.byteLength > MULTIPART_HEAD_BYTES) throw new Malformed("a part's head does not end");
      return false;
    }
    if (++this.#parts > PARTS_MAX) throw new Malformed(`it has more than ${PARTS_MAX} parts`);
    const { encoding, ...head } = partHeadOf(new TextDecoder().decode(this.#rest.subarray(0, blank.at)));
    this.#rest = this.#rest.subarray(blank.after);
    this.#state = "body";
    this.#decoder = decoderOf(encoding);
    await this.#taker.begin(head);
    return true;
  }

  /** So many bytes are no part of a boundary. */
  async #pass(bytes: number): Promise<void> {
    if (this.#state === "body" && bytes > 0) await this.#data(this.#rest.subarray(0, bytes));
    this.#rest = this.#rest.subarray(bytes);
  }

  async #data(chunk: Uint8Array): Promise<void> {
    const data = this.#decoder ? this.#decoder.push(chunk) : chunk;
    if (data.byteLength > 0) await this.#taker.data(data);
  }

  async #endPart(): Promise<void> {
    const last = this.#decoder?.end();
    if (last && last.byteLength > 0) await this.#taker.data(last);
    await this.#taker.end();
  }
}

/**
 * What follows a boundary's characters: where its line ends, or that it is the last, or that it is none; null where more has
 * to come first.
 */
function boundaryLine(bytes: Uint8Array, after: number): number | "last" | "none" | null {
  if (bytes[after] === DASH) {
    if (after + 1 === bytes.byteLength) return null;
    return bytes[after + 1] === DASH ? "last" : "none";
  }
  let at = after;
  while (bytes[at] === SPACE || bytes[at] === TAB) at++;
  if (at - after > PADDING_MAX) return "none";
  if (at === bytes.byteLength) return null;
  if (bytes[at] === LF) return at;
  if (bytes[at] !== CR) return "none";
  if (at + 1 === bytes.byteLength) return null;
  return bytes[at + 1] === LF ? at : "none";
}

/** The end of a head: where its last line ends, and where the blank line after it does. */
function blankLine(bytes: Uint8Array): { readonly at: number; readonly after: number } | null {
  for (let at = bytes.indexOf(LF); at !== -1; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at + 1] === LF) return { at, after: at + 2 };
    if (bytes[at + 1] === CR && bytes[at + 2] === LF) return { at, after: at + 3 };
  }
  return null;
}

function startsWith(bytes: Uint8Array, what: Uint8Array, at = 0): boolean {
  return what.every((byte, index) => bytes[at + index] === byte);
}

function indexOf(bytes: Uint8Array, what: Uint8Array): number {
  const first = what[0] ?? 0;
  for (let at = bytes.indexOf(first); at !== -1; at = bytes.indexOf(first, at + 1)) {
    if (startsWith(bytes, what, at)) return at;
  }
  return -1;
}
