/**
 * PURE. The head of a part of a multipart body (RFC 2046, 5.1; RFC 2183): its fields, folded lines as one, and the names that
 * its senders give it, in each of the forms that they use.
 */
import { decodeExtended, parse } from "content-disposition";
import { decoded, withWordsDecoded } from "../encoding/charset.ts";

/** How a part's bytes are written (RFC 2045, 6): as they are, or as text that stands for them. */
export type TransferEncoding = "none" | "base64" | "quoted-printable";

export interface PartHead {
  readonly contentType: string;
  /** What it is to be called, as its sender has it; null if its head has no name. */
  readonly name: string | null;
  /** The name of its file; null for a field. "" is the file of a form in which no file was chosen. */
  readonly fileName: string | null;
  /** The name of its field; null if it has none. */
  readonly field: string | null;
}

export function partHeadOf(text: string): PartHead & { readonly encoding: TransferEncoding } {
  const fields = new Map(
    text
      .replaceAll(/\r?\n[ \t]+/g, " ")
      .split(/\r?\n/)
      .flatMap((line): [string, string][] => {
        const colon = line.indexOf(":");
        return colon === -1 ? [] : [[line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]];
      }),
  );
  const disposition = parametersOf(fields.get("content-disposition") ?? "");
  const contentType = fields.get("content-type") ?? "";
  const fileName = nameIn(disposition, "filename");
  return {
    contentType: contentType || "text/plain",
    // The last is the form of before RFC 2183, which some servers still send beside it or alone.
    name: fileName || nameIn(disposition, "name") || nameIn(parametersOf(contentType), "name") || null,
    fileName,
    field: nameIn(disposition, "name"),
    encoding: encodingOf(fields.get("content-transfer-encoding") ?? ""),
  };
}

/** The file's name in a Content-Disposition (RFC 6266), the extended one before the plain one; null if there is none. */
export function fileNameIn(disposition: string): string | null {
  return nameIn(parametersOf(disposition), "filename") || null;
}

type Parameters = Readonly<Record<string, string>>;

function parametersOf(field: string): Parameters {
  return parse(field, { extended: false }).parameters;
}

/** A name by its extended form (RFC 8187), in pieces (RFC 2231, 3), or plain, with what browsers escape in forms. */
function nameIn(parameters: Parameters, name: string): string | null {
  const value = parameters[`${name}*`] ?? "";
  const extended = decodeExtended(value) ?? inPieces(parameters, name) ?? inOldCharset(value);
  if (extended !== undefined) return extended;
  const plain = parameters[name];
  return plain === undefined ? null : withWordsDecoded(plain.replaceAll(/%(22|0D|0A)/gi, (escape) => decodeURIComponent(escape)));
}

/** An extended name in another encoding than the two that RFC 8187 has. */
function inOldCharset(value: string): string | undefined {
  const [charset = "", , coded = ""] = value.split("'");
  if (charset === "" || /^(?:utf-8|iso-8859-1)$/i.test(charset) || /%(?![0-9a-f]{2})|[^!-~]/i.test(coded)) return undefined;
  const binary = coded.replaceAll(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return (
    decoded(
      Uint8Array.from(binary, (byte) => byte.charCodeAt(0)),
      charset,
    ) ?? undefined
  );
}

function inPieces(parameters: Parameters, name: string): string | undefined {
  let encoded = "";
  for (let piece = 0; ; piece++) {
    const plain = parameters[`${name}*${piece}`];
    const value = parameters[`${name}*${piece}*`] ?? (plain === undefined ? undefined : encodeURIComponent(plain));
    if (value === undefined) return encoded === "" ? undefined : decodeExtended(encoded);
    // Only the first piece may name the characters' encoding.
    encoded += piece === 0 && plain !== undefined ? `UTF-8''${value}` : value;
  }
}

/** What nobody has defined is left as it is (RFC 2045, 6.4). */
function encodingOf(field: string): TransferEncoding {
  const encoding = /^[\w-]*/.exec(field)?.[0].toLowerCase(); // a comment may follow
  return encoding === "base64" || encoding === "quoted-printable" ? encoding : "none";
}
