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
import { MEDIA_TYPE } from "./content.ts";
import { CONTENT_TYPE_CHARACTERS, KIB } from "../limits.ts";
import { sniff } from "./sniff.ts";

export interface FileField {
  /**
   * The names of members from the root on, joined by dots. Arrays on the way are passed through, however deep: "data.b64_json" is
   * in `{"data": [{"b64_json": "…"}]}`, and the value may be an array of strings.
   */
  readonly field: string;
  /** "base64": the string is base64, or a data URL with base64. "text": the string's own text, in UTF-8. */
  readonly encoding: "base64" | "text";
  /** Null: that of the data URL, else by the first bytes, else application/octet-stream; of a "text" it is plain text. */
  readonly contentType: string | null;
}

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

const TEXT_TYPE = "text/plain;charset=utf-8";
const UNKNOWN_TYPE = "application/octet-stream";
/** Nesting beyond this is refused. */
const DEPTH_MAX = 256;
/** What a file is handed on in. */
const BUFFER_BYTES = 96 * KIB;
/** What one byte of a string may add to a file: a lone surrogate, and one of four bytes. */
const STEP_BYTES = 7;
/** What comes before the comma of a data URL. */
const DATA_HEAD_CHARACTERS = 1_024;

/** Strings that begin so are not base64. */
const ADDRESSES = ["http://", "https://"];
const DATA_URL = "data:";
/** More than all bytes of such a beginning, its quote, and an escape that is cut, were each character written as an escape. */
const HELD_BYTES = 64;

const QUOTE = 0x22;
const COMMA = 0x2c;
const EQUALS = 0x3d;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const LETTER_U = 0x75;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

const tableOf = (bytes: readonly number[]) => Uint8Array.from({ length: 256 }, (_, byte) => (bytes.includes(byte) ? 1 : 0));
/** Bytes outside strings that say where one is; and those that count where no file can be. */
const STRUCTURE = tableOf([QUOTE, COMMA, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT]);
const NESTING = tableOf([QUOTE, OPEN_ARRAY, CLOSE_ARRAY, OPEN_OBJECT, CLOSE_OBJECT]);
/** Bytes within strings that don't stand for themselves. */
const IN_STRINGS = tableOf([QUOTE, BACKSLASH]);

/** Where the bytes of a string that stand for themselves end. */
function endOfRun(chunk: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && IN_STRINGS[chunk[at] ?? 0] === 0) at++;
  return at;
}

/** What the characters of base64 count, of either alphabet (RFC 4648, 4 and 5); those of none are below zero. */
const BASE64 = new Int8Array(256).fill(-1);
for (const alphabet of ["+/", "-_"]) {
  const characters = `ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789${alphabet}`;
  for (let value = 0; value < 64; value++) BASE64[characters.charCodeAt(value)] = value;
}

/** A place in the JSON that is on the way to a file, or of one. */
interface Place {
  /** What a string here is. */
  file: FileHere | null;
  readonly members: { readonly name: string; readonly bytes: Uint8Array; readonly place: Place }[];
}

interface FileHere extends FileField {
  readonly name: string;
}

function placesOf(fields: readonly FileField[]): Place {
  const root: Place = { file: null, members: [] };
  for (const field of fields) {
    const names = field.field.split(".");
    let place = root;
    for (const name of names) {
      let member = place.members.find((known) => known.name === name);
      if (!member) {
        member = { name, bytes: new TextEncoder().encode(name), place: { file: null, members: [] } };
        place.members.push(member);
      }
      place = member.place;
    }
    place.file ??= { ...field, name: names.at(-1) ?? "" };
  }
  return root;
}

/** The longest name that leads anywhere, in bytes. */
function longestOf({ members }: Place): number {
  return Math.max(0, ...members.map(({ bytes, place }) => Math.max(bytes.byteLength, longestOf(place))));
}

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

const WRONG_ESCAPE = "has an escape that JSON does not know";

function notAFile({ field }: FileField, what: string): Malformed {
  return new Malformed(`field ${field} ${what}`);
}

/** A string that is a file, from after its first quote or what was read of it: its bytes gather in a buffer. */
class FileText {
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

/** Returned by `push`: JSON has no such escape. */
const WRONG = -1;

/** What the character after a backslash stands for (RFC 8259, 7). */
const ESCAPED: ReadonlyMap<number, number> = new Map(
  [...'""\\\\//b\bf\fn\nr\rt\t'.matchAll(/(.)(.)/gs)].map(([, character = "", meant = ""]) => [
    character.charCodeAt(0),
    meant.charCodeAt(0),
  ]),
);

/** Undoes the escapes of a string, which may be cut anywhere; half of a surrogate pair becomes U+FFFD. */
class Escapes {
  /** What came of it: so many bytes as `push` or `end` has told, in UTF-8. */
  readonly bytes = new Uint8Array(STEP_BYTES);
  #ready = 0;
  #state: "plain" | "backslash" | "digits" = "plain";
  #digits = 0;
  #code = 0;
  /** The first half of a surrogate pair, whose second may follow; else zero. */
  #high = 0;

  /** Whether a quote would be part of an escape. */
  get isOpen(): boolean {
    return this.#state !== "plain";
  }

  /** Whether the next byte, whatever it is, may not stand for itself alone. */
  get isBusy(): boolean {
    return this.#state !== "plain" || this.#high !== 0;
  }

  /** One byte of the string. Returns how many came of it, or WRONG. */
  push(byte: number): number {
    this.#ready = 0;
    switch (this.#state) {
      case "plain":
        if (byte === BACKSLASH) this.#state = "backslash";
        else this.#put(byte);
        break;
      case "backslash": {
        this.#state = byte === LETTER_U ? "digits" : "plain";
        this.#digits = 0;
        this.#code = 0;
        if (byte === LETTER_U) break;
        const meant = ESCAPED.get(byte);
        if (meant === undefined) return WRONG;
        this.#put(meant);
        break;
      }
      case "digits": {
        const digit = digitOf(byte);
        this.#code = this.#code * 16 + digit;
        if (digit === WRONG || ++this.#digits === 4) this.#state = "plain";
        if (digit === WRONG) return WRONG;
        if (this.#state === "plain") this.#putUnit(this.#code);
        break;
      }
      default:
        this.#state satisfies never;
    }
    return this.#ready;
  }

  /** The string is over. Returns how many bytes came of it. */
  end(): number {
    this.#ready = 0;
    this.#putHalf();
    return this.#ready;
  }

  #put(...bytes: readonly number[]): void {
    this.#putHalf();
    for (const byte of bytes) this.bytes[this.#ready++] = byte;
  }

  #putHalf(): void {
    if (this.#high === 0) return;
    this.#high = 0;
    this.#put(0xef, 0xbf, 0xbd);
  }

  /** A unit of UTF-16. */
  #putUnit(unit: number): void {
    const isHigh = unit >= 0xd800 && unit <= 0xdbff;
    const isLow = unit >= 0xdc00 && unit <= 0xdfff;
    if (isHigh) {
      this.#putHalf();
      this.#high = unit;
    } else if (isLow && this.#high !== 0) {
      const code = 0x10000 + ((this.#high - 0xd800) << 10) + (unit - 0xdc00);
      this.#high = 0;
      this.#put(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 0x3f), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
    } else if (isLow) this.#put(0xef, 0xbf, 0xbd);
    else if (unit < 0x80) this.#put(unit);
    else if (unit < 0x800) this.#put(0xc0 | (unit >> 6), 0x80 | (unit & 0x3f));
    else this.#put(0xe0 | (unit >> 12), 0x80 | ((unit >> 6) & 0x3f), 0x80 | (unit & 0x3f));
  }
}

/** What a hexadecimal digit counts, or WRONG. */
function digitOf(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : WRONG;
}
