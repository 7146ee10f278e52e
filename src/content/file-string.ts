/** PURE. One string of a JSON text that is a file: base64, a data URL or text, decoded while it comes. */
import { Malformed } from "../encoding/result.ts";
import { MEDIA_TYPE } from "./content.ts";
import { CONTENT_TYPE_CHARACTERS } from "../limits.ts";
import { sniff } from "./sniff.ts";
import { QUOTE, COMMA, BACKSLASH, endOfRun } from "./json-bytes.ts";
import { STEP_BYTES, WRONG, type Escapes } from "./json-escapes.ts";
import type { FileField, FileHere } from "./file-fields.ts";

const EQUALS = 0x3d;

const TEXT_TYPE = "text/plain;charset=utf-8";
const UNKNOWN_TYPE = "application/octet-stream";

/** What comes before the comma of a data URL. */
const DATA_HEAD_CHARACTERS = 1_024;

/** What the characters of base64 count, of either alphabet (RFC 4648, 4 and 5); those of none are below zero. */
const BASE64 = new Int8Array(256).fill(-1);
for (const alphabet of ["+/", "-_"]) {
  const characters = `ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789${alphabet}`;
  for (let value = 0; value < 64; value++) BASE64[characters.charCodeAt(value)] = value;
}

export const WRONG_ESCAPE = "has an escape that JSON does not know";

export function notAFile({ field }: FileField, what: string): Malformed {
  return new Malformed(`field ${field} ${what}`);
}

/** A string that is a file, from after its first quote or what was read of it: its bytes gather in a buffer. */
export class FileText {
  readonly #file: FileHere;
  readonly #escapes: Escapes;
  readonly #buffer: Uint8Array;
  #bytes = 0;
  isBegun = false;
  /** Whether its last quote has come. */
  isOver = false;
  /** Of a data URL what came before its comma, until that comes; and its type, where it is one. */
  #dataHead: string | null;
  #dataType: string | null = null;
  /** Of four characters of base64 those that came: their bits, and how many; and of the padding. */
  #bits = 0;
  #characters = 0;
  #padding = 0;

  constructor(file: FileHere, isData: boolean, escapes: Escapes, buffer: Uint8Array) {
    this.#file = file;
    this.#dataHead = isData ? "" : null;
    this.#escapes = escapes;
    this.#buffer = buffer;
  }

  /** Whether the buffer has to be taken before more can come. */
  get isFull(): boolean {
    return this.#bytes > this.#buffer.byteLength - STEP_BYTES;
  }

  /** The bytes gathered. More may come over them. */
  taken(): Uint8Array {
    const bytes = this.#buffer.subarray(0, this.#bytes);
    this.#bytes = 0;
    return bytes;
  }

  begin(first: Uint8Array): { name: string; contentType: string } {
    this.isBegun = true;
    const { name, encoding, contentType } = this.#file;
    return { name, contentType: contentType ?? (encoding === "text" ? TEXT_TYPE : (this.#dataType ?? sniff(first) ?? UNKNOWN_TYPE)) };
  }

  /** To its end, the chunk's, or where the buffer is full. */
  take(chunk: Uint8Array, start: number): number {
    let at = start;
    while (!this.isOver && !this.isFull) {
      if (!this.#escapes.isBusy && this.#dataHead === null)
        at = this.#file.encoding === "text" ? this.#copy(chunk, at) : this.#decode(chunk, at);
      if (at === chunk.byteLength || this.isFull) break;
      const byte = chunk[at++] ?? 0;
      if (byte === QUOTE && !this.#escapes.isOpen) this.#end();
      else if (byte === BACKSLASH || this.#escapes.isBusy) this.#putEscaped(this.#escapes.push(byte));
      else this.put(byte);
    }
    return at;
  }

  /** To the next byte of a text that is not itself. */
  #copy(chunk: Uint8Array, start: number): number {
    const end = Math.min(chunk.byteLength, start + this.#buffer.byteLength - this.#bytes);
    const at = endOfRun(chunk, start, end);
    this.#buffer.set(chunk.subarray(start, at), this.#bytes);
    this.#bytes += at - start;
    return at;
  }

  /** All fours of characters of base64 that come. */
  #decode(chunk: Uint8Array, start: number): number {
    let at = start;
    while (this.#characters > 0 && at < chunk.byteLength && (BASE64[chunk[at] ?? 0] ?? -1) >= 0) this.put(chunk[at++] ?? 0);
    if (this.#characters > 0) return at;
    const buffer = this.#buffer;
    const fours = Math.min((chunk.byteLength - at) >> 2, Math.floor((buffer.byteLength - this.#bytes) / 3));
    const end = at + fours * 4;
    let to = this.#bytes;
    while (at < end) {
      // Below zero where one of them is.
      const value =
        ((BASE64[chunk[at] ?? 0] ?? -1) << 18) |
        ((BASE64[chunk[at + 1] ?? 0] ?? -1) << 12) |
        ((BASE64[chunk[at + 2] ?? 0] ?? -1) << 6) |
        (BASE64[chunk[at + 3] ?? 0] ?? -1);
      if (value < 0) break;
      buffer[to] = value >> 16;
      buffer[to + 1] = value >> 8;
      buffer[to + 2] = value;
      to += 3;
      at += 4;
    }
    this.#bytes = to;
    return at;
  }

  #putEscaped(bytes: number): void {
    if (bytes === WRONG) throw notAFile(this.#file, WRONG_ESCAPE);
    for (let index = 0; index < bytes; index++) this.put(this.#escapes.bytes[index] ?? 0);
  }

  /** One byte of the string, its escapes undone. */
  put(byte: number): void {
    if (this.#dataHead !== null) this.#putDataHead(this.#dataHead, byte);
    else if (this.#file.encoding === "text") this.#buffer[this.#bytes++] = byte;
    else this.#putBase64(byte);
  }

  #putDataHead(head: string, byte: number): void {
    if (byte !== COMMA) {
      if (head.length === DATA_HEAD_CHARACTERS) throw notAFile(this.#file, "is a data URL whose type does not end");
      this.#dataHead = head + String.fromCharCode(byte);
      return;
    }
    const [, type, base64] = /^(.*?)(;\s*base64\s*)?$/is.exec(head) ?? [];
    if (base64 === undefined) throw notAFile(this.#file, "is a data URL that is not base64");
    this.#dataHead = null;
    if (type !== undefined && type.length <= CONTENT_TYPE_CHARACTERS && MEDIA_TYPE.test(type)) this.#dataType = type;
  }

  #putBase64(byte: number): void {
    const value = BASE64[byte] ?? -1;
    if (value >= 0 && this.#padding === 0) {
      this.#bits = (this.#bits << 6) | value;
      if (++this.#characters === 4) this.#putBytes(3);
    } else if (byte === EQUALS && this.#characters >= 2 && this.#characters + this.#padding < 4) this.#padding++;
    else if (byte !== 0x20 && (byte < 0x09 || byte > 0x0d || byte === 0x0b)) throw notAFile(this.#file, "is not base64");
  }

  /** The first so many bytes of 24 bits. */
  #putBytes(count: number): void {
    for (let index = 0; index < count; index++) this.#buffer[this.#bytes++] = this.#bits >> (16 - 8 * index);
    this.#bits = 0;
    this.#characters = 0;
  }

  #end(): void {
    this.#putEscaped(this.#escapes.end());
    if (this.#dataHead !== null) throw notAFile(this.#file, "is a data URL without a comma");
    const characters = this.#characters;
    if (characters === 1 || (this.#padding > 0 && characters + this.#padding !== 4)) {
      throw notAFile(this.#file, "is not base64: characters are missing at its end");
    }
    this.#bits <<= 6 * (4 - characters);
    if (characters > 0) this.#putBytes(characters - 1);
    this.isOver = true;
  }
}
