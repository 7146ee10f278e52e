/**
 * PURE but for what it hands on to. Files that are strings in a JSON text, taken out while it comes: their bytes go one way,
 * the JSON goes another, and in it something else stands for each, such as an address. Whatever the size, what is kept is
 * a buffer of file bytes, the open brackets, and no more of a name or of a string's beginning than tells what it is.
 * - Of the JSON nothing is checked but what finding the strings takes: whoever parses it afterwards does that. In a text
 *   that is not JSON, files may be found in odd places.
 * - A string that is taken is gone from the JSON, so that it is checked here: its escapes, and its base64.
 */
import { Malformed } from "../encoding/result.ts";
import { BrokenOff } from "../encoding/streams.ts";
import { KIB } from "../limits.ts";
import { QUOTE, COMMA, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT, STRUCTURE, NESTING, endOfRun } from "./json-bytes.ts";
import { WRONG, Escapes } from "./json-escapes.ts";
import { type FileField, type Place, type FileHere, placesOf, longestOf } from "./file-fields.ts";
import { WRONG_ESCAPE, notAFile, FileText } from "./file-string.ts";

/** Takes the files, one after the other, and the JSON around them, in the order in which they come. */
export interface EmbeddedTaker {
  /** `name`: the last member of its path. */
  begin(head: { readonly name: string; readonly contentType: string }): Promise<void>;
  /** The chunk is not the taker's after this. */
  data(chunk: Uint8Array): Promise<void>;
  /** Gives the text that stands for the file: the JSON has it as a string. */
  end(): Promise<string>;
  /** JSON that remains, as it came. The chunk is not the taker's after this. */
  json(chunk: Uint8Array): Promise<void>;
}

/** Nesting beyond this is refused. */
const DEPTH_MAX = 256;

/** What a file is handed on in. */
const BUFFER_BYTES = 96 * KIB;

/** Strings that begin so are not base64. */
const ADDRESSES = ["http://", "https://"];

const DATA_URL = "data:";

/** More than all bytes of such a beginning, its quote, and an escape that is cut, were each character written as an escape. */
const HELD_BYTES = 64;

/**
 * Takes the files out of one JSON text. Once it has thrown, it is of no further use; a file that its taker had begun by
 * then has not ended.
 */
export class EmbeddedReader {
  readonly #taker: EmbeddedTaker;
  /** Of the open brackets, and before them of the text itself: whether it is an object, and its place; null where it leads to no file. */
  readonly #objects = [false];
  readonly #places: (Place | null)[];
  #depth = 0;
  /** Of the value that comes next. */
  #place: Place | null;
  #nameNext = false;
  #state: "between" | "string" | "name" | "opening" | "file" = "between";
  /** "string": whether a backslash was the last that came. */
  #escaped = false;
  readonly #escapes = new Escapes();
  /** "name": its first bytes, as many as could lead anywhere; and how many it has, NaN where that is known to be too many. */
  readonly #name: Uint8Array;
  #nameBytes = 0;
  /** "opening": the first characters of a string that may be a file; where in the chunk it began, and what came of it in earlier ones. */
  #opening = "";
  #openedAt = 0;
  readonly #held = new Uint8Array(HELD_BYTES);
  #heldBytes = 0;
  /** The JSON of the chunk that was not handed on begins here. */
  #from = 0;
  #file: FileText | null = null;
  /** Of all files, one after the other. */
  #buffer: Uint8Array | null = null;

  constructor(fields: readonly FileField[], taker: EmbeddedTaker) {
    const root = placesOf(fields);
    this.#taker = taker;
    this.#places = [root];
    this.#place = root;
    this.#name = new Uint8Array(longestOf(root));
  }

  /** The chunk is no longer needed when this resolves. Throws Malformed. */
  async write(chunk: Uint8Array): Promise<void> {
    this.#from = 0;
    this.#openedAt = 0;
    for (let at = 0; at < chunk.byteLength;) {
      if (!this.#file) {
        at = this.#find(chunk, at);
        if (!this.#file) break;
        if (this.#openedAt === 0) this.#heldBytes = 0; // else it was of a string before, which stays
        await this.#pass(chunk, this.#openedAt);
      }
      at = this.#file.take(chunk, at);
      if (this.#file.isFull || this.#file.isOver) await this.#hand(this.#file);
      if (this.#file.isOver) {
        await this.#replace();
        this.#from = at;
      }
    }
    if (this.#file) return;
    if (this.#state !== "opening") return this.#pass(chunk, chunk.byteLength);
    if (this.#openedAt > this.#from) await this.#pass(chunk, this.#openedAt);
    const undecided = chunk.subarray(this.#openedAt);
    this.#held.set(undecided, this.#heldBytes);
    this.#heldBytes += undecided.byteLength;
  }

  /** Throws where the text breaks off. */
  async end(): Promise<void> {
    if (this.#state !== "between" || this.#depth > 0) throw new BrokenOff("a JSON text that breaks off");
  }

  /** To where the content of a file begins, or to the chunk's end. */
  #find(chunk: Uint8Array, start: number): number {
    let at = start;
    while (at < chunk.byteLength) {
      switch (this.#state) {
        case "between":
          at = this.#passBetween(chunk, at);
          break;
        case "string":
          at = this.#passString(chunk, at);
          break;
        case "name":
          at = this.#readName(chunk, at);
          break;
        case "opening":
          at = this.#open(chunk, at);
          break;
        case "file":
          return at;
        default:
          this.#state satisfies never;
      }
    }
    return at;
  }

  /** To the next byte that counts, and past it. */
  #passBetween(chunk: Uint8Array, start: number): number {
    const leads = this.#places[this.#depth] !== null;
    const table = leads ? STRUCTURE : NESTING;
    let at = start;
    while (at < chunk.byteLength && table[chunk[at] ?? 0] === 0) at++;
    if (at === chunk.byteLength) return at;
    switch (chunk[at] ?? 0) {
      case QUOTE:
        this.#beginString(leads, at);
        break;
      case COMMA:
        this.#nameNext = this.#objects[this.#depth] ?? false;
        break;
      case OPEN_OBJECT:
        this.#nest(true);
        break;
      case OPEN_ARRAY:
        this.#nest(false);
        break;
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        if (this.#depth > 0) this.#depth--;
        if (!this.#objects[this.#depth]) this.#place = this.#places[this.#depth] ?? null;
        break;
      default:
    }
    return at + 1;
  }

  #nest(isObject: boolean): void {
    if (this.#depth === DEPTH_MAX) throw new Malformed(`JSON that is nested deeper than ${DEPTH_MAX}`);
    this.#depth++;
    this.#objects[this.#depth] = isObject;
    this.#places[this.#depth] = this.#place;
    this.#nameNext = isObject;
  }

  #beginString(leads: boolean, at: number): void {
    if (leads && this.#nameNext) {
      this.#state = "name";
      this.#nameBytes = 0;
    } else if (leads && this.#place?.file) {
      this.#state = "opening";
      this.#opening = "";
      this.#openedAt = at;
    } else this.#state = "string";
  }

  #passString(chunk: Uint8Array, start: number): number {
    let at = start;
    if (this.#escaped) {
      this.#escaped = false;
      at++;
    }
    for (;;) {
      at = endOfRun(chunk, at, chunk.byteLength);
      if (at === chunk.byteLength) return at;
      if (chunk[at++] === QUOTE) {
        this.#state = "between";
        return at;
      }
      if (at++ === chunk.byteLength) {
        this.#escaped = true;
        return chunk.byteLength;
      }
    }
  }

  #readName(chunk: Uint8Array, start: number): number {
    for (let at = start; at < chunk.byteLength;) {
      if (!this.#escapes.isBusy) {
        const run = endOfRun(chunk, at, chunk.byteLength);
        this.#putName(chunk, at, run);
        at = run;
        if (at === chunk.byteLength) break;
      }
      const byte = chunk[at++] ?? 0;
      if (byte === QUOTE && !this.#escapes.isOpen) {
        this.#putName(this.#escapes.bytes, 0, this.#escapes.end());
        this.#endName();
        return at;
      }
      const bytes = this.#escapes.push(byte);
      if (bytes === WRONG) this.#nameBytes = Number.NaN;
      else this.#putName(this.#escapes.bytes, 0, bytes);
    }
    return chunk.byteLength;
  }

  #putName(bytes: Uint8Array, start: number, end: number): void {
    if (this.#nameBytes + end - start > this.#name.byteLength) this.#nameBytes = Number.NaN;
    if (Number.isNaN(this.#nameBytes)) return;
    for (let at = start; at < end; at++) this.#name[this.#nameBytes++] = bytes[at] ?? 0;
  }

  #endName(): void {
    this.#state = "between";
    this.#nameNext = false;
    this.#place = null;
    for (const { bytes, place } of this.#places[this.#depth]?.members ?? []) if (this.#isNamed(bytes)) this.#place = place;
  }

  #isNamed(name: Uint8Array): boolean {
    if (name.byteLength !== this.#nameBytes) return false;
    for (let index = 0; index < name.byteLength; index++) if (name[index] !== this.#name[index]) return false;
    return true;
  }

  /** The first characters of a string where a file may be: until they tell whether it stays. */
  #open(chunk: Uint8Array, start: number): number {
    const file = this.#place?.file;
    if (!file) throw new Error("no file is here"); // it is not opened then
    for (let at = start; at < chunk.byteLength; at++) {
      const byte = chunk[at] ?? 0;
      if (byte === QUOTE && !this.#escapes.isOpen) {
        if (this.#opening === "" && !this.#escapes.isBusy) {
          this.#state = "between";
          return at + 1;
        }
        this.#beginFile(file, false);
        return at;
      }
      const bytes = this.#escapes.push(byte);
      if (bytes === WRONG) throw notAFile(file, WRONG_ESCAPE);
      if (bytes === 0) continue;
      this.#opening += String.fromCharCode(...this.#escapes.bytes.subarray(0, bytes));
      const opening = this.#opening.toLowerCase();
      if (ADDRESSES.includes(opening)) {
        this.#state = "string";
        return at + 1;
      }
      const isData = file.encoding === "base64" && opening === DATA_URL;
      if (!isData && [...ADDRESSES, DATA_URL].some((beginning) => beginning.startsWith(opening))) continue;
      this.#beginFile(file, isData);
      return at + 1;
    }
    return chunk.byteLength;
  }

  #beginFile(file: FileHere, isData: boolean): void {
    this.#state = "file";
    this.#buffer ??= new Uint8Array(BUFFER_BYTES);
    this.#file = new FileText(file, isData, this.#escapes, this.#buffer);
    if (!isData) for (let index = 0; index < this.#opening.length; index++) this.#file.put(this.#opening.charCodeAt(index));
  }

  /** Hands on what there is of a file. */
  async #hand(file: FileText): Promise<void> {
    const bytes = file.taken();
    if (!file.isBegun) await this.#taker.begin(file.begin(bytes));
    if (bytes.byteLength > 0) await this.#taker.data(bytes);
  }

  async #replace(): Promise<void> {
    this.#file = null;
    this.#state = "between";
    const text = JSON.stringify(await this.#taker.end());
    await this.#taker.json(new TextEncoder().encode(text));
  }

  /** Hands on the JSON up to there. */
  async #pass(chunk: Uint8Array, to: number): Promise<void> {
    const held = this.#held.subarray(0, this.#heldBytes);
    this.#heldBytes = 0;
    if (held.byteLength > 0) await this.#taker.json(held);
    if (to > this.#from) await this.#taker.json(chunk.subarray(this.#from, to));
    this.#from = to;
  }
}
