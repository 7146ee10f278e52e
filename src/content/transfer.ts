/**
 * PURE. Bytes that are written as text (RFC 2045, 6.7 and 6.8), decoded while they come. What is not of the encoding is
 * refused, since bytes that were left out would be missing from a file without a word.
 */
import { fromBase64 } from "../encoding/base64.ts";
import { Malformed } from "../encoding/result.ts";
import type { TransferEncoding } from "./part-head.ts";

export interface Decoder {
  /** The bytes that the chunk completes. */
  push(chunk: Uint8Array): Uint8Array;
  /** What is left at the end. Throws Malformed if something is missing. */
  end(): Uint8Array;
}

export function decoderOf(encoding: TransferEncoding): Decoder | null {
  switch (encoding) {
    case "none":
      return null;
    case "base64":
      return new Base64Decoder();
    case "quoted-printable":
      return new QuotedPrintableDecoder();
    default:
      return encoding satisfies never;
  }
}

class Base64Decoder implements Decoder {
  /** Characters that wait for their four. */
  #rest = "";
  #isOver = false;

  push(chunk: Uint8Array): Uint8Array {
    const text = this.#rest + new TextDecoder().decode(chunk).replaceAll(/\s+/g, "");
    const whole = text.length - (text.length % 4);
    this.#rest = text.slice(whole);
    return this.#decoded(text.slice(0, whole));
  }

  end(): Uint8Array {
    return this.#decoded(this.#rest);
  }

  #decoded(text: string): Uint8Array {
    if (text === "") return new Uint8Array();
    if (this.#isOver) throw notBase64();
    this.#isOver = text.endsWith("="); // in its midst atob refuses it
    try {
      return fromBase64(text);
    } catch (error) {
      throw notBase64(error);
    }
  }
}

function notBase64(cause?: unknown): Malformed {
  return new Malformed("a part is said to be base64 and is not", { cause });
}

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const EQUALS = 0x3d;

/** Spaces in a row that may be the end of a line; more are kept, whatever follows. */
const SPACES_MAX = 998;

class QuotedPrintableDecoder implements Decoder {
  /** Spaces and tabs, which belong to the text unless they end a line: then they were added on the way. */
  #spaces: number[] = [];
  /** Of an escape: nothing, its "=", that and one digit, or a line that ends after its "=". */
  #escape: "none" | "begun" | "digit" | "line" = "none";
  #high = 0;
  /** Of the chunk at hand. */
  #decoded: Uint8Array = new Uint8Array();
  #bytes = 0;

  push(chunk: Uint8Array): Uint8Array {
    this.#decoded = new Uint8Array(chunk.byteLength + this.#spaces.length);
    this.#bytes = 0;
    for (const byte of chunk) {
      // Most bytes are themselves.
      if (byte > SPACE && byte !== EQUALS && this.#escape === "none" && this.#spaces.length === 0) this.#decoded[this.#bytes++] = byte;
      else if (this.#escape === "none") this.#put(byte);
      else this.#putEscaped(byte);
    }
    return this.#decoded.subarray(0, this.#bytes);
  }

  end(): Uint8Array {
    if (this.#escape === "digit") throw notQuotedPrintable();
    return new Uint8Array();
  }

  #put(byte: number): void {
    if (byte === SPACE || byte === TAB) {
      this.#spaces.push(byte);
      if (this.#spaces.length > SPACES_MAX) this.#flush();
      return;
    }
    if (byte === CR || byte === LF) this.#spaces = [];
    else this.#flush();
    if (byte === EQUALS) this.#escape = "begun";
    else this.#decoded[this.#bytes++] = byte;
  }

  #putEscaped(byte: number): void {
    const digit = Number.parseInt(String.fromCharCode(byte), 16);
    if (this.#escape !== "line" && !Number.isNaN(digit)) {
      if (this.#escape === "digit") this.#decoded[this.#bytes++] = this.#high * 16 + digit;
      this.#high = digit;
      this.#escape = this.#escape === "digit" ? "none" : "digit";
    } else if (this.#escape === "digit") throw notQuotedPrintable();
    else if (byte === LF) this.#escape = "none";
    else if (byte === CR || byte === SPACE || byte === TAB) this.#escape = "line";
    else throw notQuotedPrintable();
  }

  #flush(): void {
    for (const space of this.#spaces) this.#decoded[this.#bytes++] = space;
    this.#spaces = [];
  }
}

function notQuotedPrintable(): Malformed {
  return new Malformed("a part is said to be quoted-printable and is not");
}
