/**
 * PURE but for what it hands on to. A multipart body (RFC 2046, 5.1; the parts of multipart/form-data: RFC 7578), taken apart
 * while it comes: no more of it is kept than could be the beginning of a boundary. What is before the first boundary and
 * after the last is passed over, as the RFC has it. A body that ends before its last boundary was cut.
 */
import { joined } from "../encoding/chunks.ts";
import { Malformed } from "../encoding/result.ts";
import { BrokenOff } from "../encoding/streams.ts";
import { MULTIPART_HEAD_BYTES, PARTS_MAX } from "../limits.ts";

export interface PartHead {
  readonly contentType: string;
  /** What it is to be called, as its sender has it; null where it does not say. */
  readonly name: string | null;
  /** Its Content-Disposition as it is; '' where there is none. */
  readonly disposition: string;
}

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

const LINE = [13, 10];

export class MultipartReader {
  readonly #delimiter: Uint8Array;
  readonly #taker: PartsTaker;
  #state: "before" | "head" | "body" | "after" = "before";
  /** What has come and was not used yet. The line break that a delimiter begins with may be missing at the very start. */
  #rest: Uint8Array = new Uint8Array(LINE);
  #parts = 0;

  constructor(boundary: string, taker: PartsTaker) {
    this.#delimiter = new TextEncoder().encode(`\r\n--${boundary}`);
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
      const safe = Math.max(0, this.#rest.byteLength - this.#delimiter.byteLength);
      await this.#pass(safe);
      return false;
    }
    // After the delimiter: "--" at the end of all, else space and a line break.
    const after = at + this.#delimiter.byteLength;
    if (this.#rest.byteLength < after + 2) {
      await this.#pass(at);
      return false;
    }
    await this.#pass(at);
    if (this.#state === "body") await this.#taker.end();
    const isLast = this.#rest[this.#delimiter.byteLength] === 45 && this.#rest[this.#delimiter.byteLength + 1] === 45;
    this.#rest = this.#rest.subarray(this.#delimiter.byteLength);
    this.#state = isLast ? "after" : "head";
    return !isLast;
  }

  async #head(): Promise<boolean> {
    const end = indexOf(this.#rest, new Uint8Array([...LINE, ...LINE]));
    if (end === -1) {
      if (this.#rest.byteLength > MULTIPART_HEAD_BYTES) throw new Malformed("a part's head does not end");
      return false;
    }
    if (++this.#parts > PARTS_MAX) throw new Malformed(`it has more than ${PARTS_MAX} parts`);
    const head = headOf(new TextDecoder().decode(this.#rest.subarray(0, end)));
    this.#rest = this.#rest.subarray(end + 4);
    this.#state = "body";
    await this.#taker.begin(head);
    return true;
  }

  /** So many bytes are no part of a boundary. */
  async #pass(bytes: number): Promise<void> {
    if (this.#state === "body" && bytes > 0) await this.#taker.data(this.#rest.subarray(0, bytes));
    this.#rest = this.#rest.subarray(bytes);
  }
}

function headOf(text: string): PartHead {
  const fields = new Map(
    text.split("\r\n").flatMap((line): [string, string][] => {
      const colon = line.indexOf(":");
      return colon === -1 ? [] : [[line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]];
    }),
  );
  const disposition = fields.get("content-disposition") ?? "";
  const [, filename] = /;\s*filename="([^"]*)"/i.exec(disposition) ?? [];
  const [, name] = /;\s*name="([^"]*)"/i.exec(disposition) ?? [];
  return { contentType: fields.get("content-type") ?? "text/plain", name: filename || name || null, disposition };
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
