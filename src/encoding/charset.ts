/** PURE. Texts in the encodings of characters that old senders still use. */

/** Bytes as text of a named encoding, as the Encoding Standard has its names; null where it is unknown or they are no such text. */
export function decoded(bytes: Uint8Array, charset: string): string | null {
  try {
    return new TextDecoder(charset, { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch (error) {
    if (error instanceof RangeError || error instanceof TypeError) return null; // no such encoding; no such text
    throw error;
  }
}

/** Bytes as text of the encoding that their media type names; as UTF-8 if it names none, or they are no such text. */
export function textIn(bytes: Uint8Array, contentType: string | null): string {
  const charset = /;\s*charset="?([\w-]{1,40})/i.exec(contentType ?? "")?.[1] ?? "utf-8";
  return decoded(bytes, charset) ?? new TextDecoder().decode(bytes);
}

/** The same of JSON, which is UTF-8 by its standard, whatever its media type names; only what is none is what that says. */
export function jsonTextIn(bytes: Uint8Array, contentType: string | null): string {
  const text = bytes.includes(0) ? null : decoded(bytes, "utf-8");
  return text ?? textIn(bytes, contentType);
}

/** A text with its encoded words decoded (RFC 2047): what mail has in heads, and some senders of forms too. */
export function withWordsDecoded(text: string): string {
  // Space between two of them only separates them.
  return text.replaceAll(/(\?=)\s+(?==\?)/g, "$1").replaceAll(WORD, (word, charset: string, form: string, coded: string) => {
    const binary = form.toLowerCase() === "b" ? binaryOf(coded) : quotedOf(coded);
    return (
      (binary === null
        ? null
        : decoded(
            Uint8Array.from(binary, (byte) => byte.charCodeAt(0)),
            charset,
          )) ?? word
    );
  });
}

const WORD = /=\?([\w-]{1,40})(?:\*[\w-]*)?\?([bq])\?([!->@-~]{0,300})\?=/gi;
const BASE64 = /^(?:[\w+/-]{4})*(?:[\w+/-]{2,3}=*)?$/;

function binaryOf(base64: string): string | null {
  return BASE64.test(base64) ? atob(base64.replaceAll("-", "+").replaceAll("_", "/")) : null;
}

function quotedOf(text: string): string {
  return text.replaceAll("_", " ").replaceAll(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
