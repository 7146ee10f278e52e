/**
 * PURE. What kind of file it is, by its first bytes: the formats that models make, and those that they are put in. A guess
 * for files that come without a media type, in the way of the WHATWG's "MIME Sniffing" standard, which knows fewer.
 */

/** No format is looked for beyond these. */
const FIRST_BYTES = 64;

/** What stands where, byte by byte as Latin-1. The first row of which all is there is it. */
const SIGNATURES: readonly (readonly [type: string, ...(readonly [at: number, what: string])[]])[] = [
  ["image/png", [0, "\x89PNG\r\n\x1a\n"]],
  ["image/jpeg", [0, "\xff\xd8\xff"]],
  ["image/gif", [0, "GIF87a"]],
  ["image/gif", [0, "GIF89a"]],
  ["image/webp", [0, "RIFF"], [8, "WEBP"]],
  ["audio/wav", [0, "RIFF"], [8, "WAVE"]],
  ["audio/mpeg", [0, "ID3"]],
  ["audio/flac", [0, "fLaC"]],
  ["video/ogg", [0, "OggS"], [28, "\x80theora"]],
  ["audio/ogg", [0, "OggS"]],
  ["application/pdf", [0, "%PDF-"]],
  ["application/zip", [0, "PK\x03\x04"]],
  ["application/zip", [0, "PK\x05\x06"]],
  ["model/gltf-binary", [0, "glTF"]],
];

/** ISO/IEC 14496-12: a file begins with its kind ("brand"), and all others that it is too. What is not here is a video. */
const BRANDS: ReadonlyMap<string, string> = new Map([
  ["avif", "image/avif"],
  ["avis", "image/avif"],
  ["heic", "image/heic"],
  ["heix", "image/heic"],
  ["heim", "image/heic"],
  ["heis", "image/heic"],
  ["hevc", "image/heic"],
  ["hevx", "image/heic"],
  ["qt  ", "video/quicktime"],
  ["M4A ", "audio/mp4"],
]);
/** Any image in such a file. Which one, the other brands say. */
const IMAGE_BRANDS: ReadonlySet<string> = new Set(["mif1", "msf1"]);

/** The media type of a file that begins so; null where it is none of those known here. */
export function sniff(bytes: Uint8Array): string | null {
  const text = String.fromCharCode(...bytes.subarray(0, FIRST_BYTES));
  const row = SIGNATURES.find(([, ...marks]) => marks.every(([at, what]) => text.startsWith(what, at)));
  if (row) return row[0];
  if (text.startsWith("ftyp", 4)) return typeOfBrands(text);
  // EBML; its DocType is among the first elements (RFC 9559).
  if (text.startsWith("\x1aE\xdf\xa3")) return text.includes("webm") ? "video/webm" : "video/matroska";
  if (isLayerThree(text.charCodeAt(0), text.charCodeAt(1), text.charCodeAt(2))) return "audio/mpeg";
  return null;
}

function typeOfBrands(text: string): string {
  const brand = text.slice(8, 12);
  if (!IMAGE_BRANDS.has(brand)) return BRANDS.get(brand) ?? "video/mp4";
  const others = text.slice(16, Math.max(16, text.charCodeAt(3))); // the box is this long
  for (let at = 0; at < others.length; at += 4) {
    const type = BRANDS.get(others.slice(at, at + 4));
    if (type) return type;
  }
  return "image/heif";
}

/** A frame of an MP3 (ISO/IEC 11172-3, 2.4.2.3): eleven bits set, a version, layer III; a bit rate and a sampling rate that exist. */
function isLayerThree(first: number, second: number, third: number): boolean {
  const isFrame = first === 0xff && (second & 0xe6) === 0xe2 && (second & 0x18) !== 0x08;
  return isFrame && third >> 4 !== 0xf && (third & 0x0c) !== 0x0c;
}
