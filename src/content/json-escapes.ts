/** PURE. The escapes of a JSON string (RFC 8259, 7), undone byte by byte while it comes. */
import { BACKSLASH } from "./json-bytes.ts";

/** What one byte of a string may add to a file: a lone surrogate, and one of four bytes. */
export const STEP_BYTES = 7;

const LETTER_U = 0x75;

/** Returned by `push`: JSON has no such escape. */
export const WRONG = -1;

/** What the character after a backslash stands for (RFC 8259, 7). */
const ESCAPED: ReadonlyMap<number, number> = new Map(
  [...'""\\\\//b\bf\fn\nr\rt\t'.matchAll(/(.)(.)/gs)].map(([, character = "", meant = ""]) => [
    character.charCodeAt(0),
    meant.charCodeAt(0),
  ]),
);

/** Undoes the escapes of a string, which may be cut anywhere; half of a surrogate pair becomes U+FFFD. */
export class Escapes {
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
