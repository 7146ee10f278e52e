/**
 * PURE. Elements to the bytes of the binary extension and back: row-major, little-endian, without padding; a boolean is
 * a byte, 0 or 1; a text is its length in 4 bytes, then its UTF-8. Bytes of a foreign tensor lie anywhere in a body, so
 * they are read through views, never as typed arrays, which need alignment.
 * Source: Triton, docs/protocol/extension_binary_data.md.
 */
import { toBase64 } from "../encoding/base64.ts";
import { type Datatype, type Element, KINDS } from "./datatype.ts";
import { BF16, FP16, decodeFloat16, encodeFloat16 } from "./float16.ts";

const PREFIX_BYTES = 4;
const TWO_32 = 2 ** 32;

type FixedSize = Exclude<Datatype, "BYTES">;

/** The bytes of elements that are known to be of the type. */
export function encode(elements: readonly Element[], datatype: Datatype): Uint8Array {
  return datatype === "BYTES" ? encodeTexts(elements) : encodeFixed(elements, datatype);
}

function encodeFixed(elements: readonly Element[], datatype: FixedSize): Uint8Array {
  const width = KINDS[datatype].bytes;
  const bytes = new Uint8Array(elements.length * width);
  const view = new DataView(bytes.buffer);
  for (let index = 0, at = 0; index < elements.length; index++, at += width) {
    const element = elements[index] ?? 0;
    switch (datatype) {
      case "BOOL":
      case "UINT8":
      case "INT8":
        view.setInt8(at, Number(element));
        break;
      case "UINT16":
      case "INT16":
        view.setInt16(at, Number(element), true);
        break;
      case "UINT32":
      case "INT32":
        view.setInt32(at, Number(element), true);
        break;
      case "UINT64":
      case "INT64":
        if (typeof element === "bigint") view.setBigInt64(at, BigInt.asIntN(64, element), true);
        else setLong(view, at, Number(element));
        break;
      case "FP16":
        view.setUint16(at, encodeFloat16(Number(element), FP16), true);
        break;
      case "BF16":
        view.setUint16(at, encodeFloat16(Number(element), BF16), true);
        break;
      case "FP32":
        view.setFloat32(at, Number(element), true);
        break;
      case "FP64":
        view.setFloat64(at, Number(element), true);
        break;
      default:
        return datatype satisfies never;
    }
  }
  return bytes;
}

/** An integer of 64 bits without a bigint, which would be made for each. */
function setLong(view: DataView, at: number, value: number): void {
  const high = Math.floor(value / TWO_32);
  view.setUint32(at, value - high * TWO_32, true);
  view.setUint32(at + 4, high, true);
}

/** The elements from `start` to before `end` of bytes that are known to be of the type. */
export function decode(bytes: Uint8Array, datatype: FixedSize, start: number, end: number): Element[] {
  const width = KINDS[datatype].bytes;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const elements: Element[] = [];
  for (let at = start * width; at < end * width; at += width) {
    switch (datatype) {
      case "BOOL":
        elements.push(view.getUint8(at) !== 0);
        break;
      case "UINT8":
        elements.push(view.getUint8(at));
        break;
      case "INT8":
        elements.push(view.getInt8(at));
        break;
      case "UINT16":
        elements.push(view.getUint16(at, true));
        break;
      case "INT16":
        elements.push(view.getInt16(at, true));
        break;
      case "UINT32":
        elements.push(view.getUint32(at, true));
        break;
      case "INT32":
        elements.push(view.getInt32(at, true));
        break;
      case "UINT64": {
        const value = view.getUint32(at + 4, true) * TWO_32 + view.getUint32(at, true);
        elements.push(Number.isSafeInteger(value) ? value : view.getBigUint64(at, true));
        break;
      }
      case "INT64": {
        const value = view.getInt32(at + 4, true) * TWO_32 + view.getUint32(at, true);
        elements.push(Number.isSafeInteger(value) ? value : view.getBigInt64(at, true));
        break;
      }
      case "FP16":
        elements.push(decodeFloat16(view.getUint16(at, true), FP16));
        break;
      case "BF16":
        elements.push(decodeFloat16(view.getUint16(at, true), BF16));
        break;
      case "FP32":
        elements.push(view.getFloat32(at, true));
        break;
      case "FP64":
        elements.push(view.getFloat64(at, true));
        break;
      default:
        return datatype satisfies never;
    }
  }
  return elements;
}

function encodeTexts(texts: readonly Element[]): Uint8Array {
  const encoder = new TextEncoder();
  let least = 0;
  for (const text of texts) least += PREFIX_BYTES + String(text).length;
  let bytes = new Uint8Array(least + 64);
  let view = new DataView(bytes.buffer);
  let at = 0;
  for (const element of texts) {
    const text = String(element);
    // A UTF-16 unit is at most three bytes.
    const need = at + PREFIX_BYTES + 3 * text.length;
    if (need > bytes.length) {
      const grown = new Uint8Array(Math.max(need, 2 * bytes.length));
      grown.set(bytes);
      bytes = grown;
      view = new DataView(bytes.buffer);
    }
    const { written } = encoder.encodeInto(text, bytes.subarray(at + PREFIX_BYTES));
    view.setUint32(at, written, true);
    at += PREFIX_BYTES + written;
  }
  return bytes.subarray(0, at);
}

/** The one element that these bytes are, as a tensor of BYTES. */
export function prefixed(bytes: Uint8Array): Uint8Array {
  const element = new Uint8Array(PREFIX_BYTES + bytes.length);
  new DataView(element.buffer).setUint32(0, bytes.length, true);
  element.set(bytes, PREFIX_BYTES);
  return element;
}

/** How many elements of BYTES there are, or null where the lengths do not lead to the end. */
export function countTexts(bytes: Uint8Array): number | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let count = 0;
  for (let at = 0; at < bytes.length; count++) {
    if (at + PREFIX_BYTES > bytes.length) return null;
    at += PREFIX_BYTES + view.getUint32(at, true);
    if (at > bytes.length) return null;
  }
  return count;
}

/**
 * The elements of bytes that countTexts has counted: text where all are UTF-8, else all of them in base64, since one
 * tensor has one meaning.
 */
export function decodeTexts(bytes: Uint8Array): { readonly texts: string[]; readonly base64: boolean } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const read = (text: (element: Uint8Array) => string) => {
    const texts: string[] = [];
    for (let at = 0; at < bytes.length;) {
      const end = at + PREFIX_BYTES + view.getUint32(at, true);
      texts.push(text(bytes.subarray(at + PREFIX_BYTES, end)));
      at = end;
    }
    return texts;
  };
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }); // a byte order mark is an element's own
  try {
    return { texts: read((element) => decoder.decode(element)), base64: false };
  } catch {
    return { texts: read(toBase64), base64: true };
  }
}
