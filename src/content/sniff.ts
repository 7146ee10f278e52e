/**
 * PURE. What kind of file it is, by its first bytes: the formats that models make, and those that they are put in. A guess
 * for files that come without a media type, in the way of the WHATWG's "MIME Sniffing" standard, which knows fewer. The
 * library `file-type` knows many more, but not NPY or SVG, takes an AVIF whose first brand is `mif1` for a HEIF, and is
 * several times larger than all of this folder.
 */

/** No format but SVG is looked for beyond these. */
const FIRST_BYTES = 64;
/** The root of an SVG stands within these: before it may be a declaration, comments and a document type. */
const SVG_BYTES = 1_024;

/** What stands where, byte by byte as Latin-1. The first row of which all is there is it. */
const SIGNATURES: readonly (readonly [type: string, ...(readonly [at: number, what: string])[]])[] = [
  ["image/png", [0, "\x89PNG\r\n\x1a\n"]],
  ["image/jpeg", [0, "\xff\xd8\xff"]],
  ["image/tiff", [0, "II*\0"]],
  ["image/tiff", [0, "MM\0*"]],
  // A BMP has four bytes of nothing before the length of its head, which is below 256.
  ["image/bmp", [0, "BM"], [6, "\0\0\0\0"], [15, "\0\0\0"]],
  ["image/jxl", [0, "\xff\x0a"]],
  ["image/jxl", [0, "\0\0\0\x0cJXL \r\n\x87\n"]],
  ["image/gif", [0, "GIF87a"]],
  ["image/gif", [0, "GIF89a"]],
  ["image/webp", [0, "RIFF"], [8, "WEBP"]],
  ["audio/wav", [0, "RIFF"], [8, "WAVE"]],
  ["video/x-msvideo", [0, "RIFF"], [8, "AVI "]],
  ["audio/mpeg", [0, "ID3"]],
  ["audio/flac", [0, "fLaC"]],
  ["video/ogg", [0, "OggS"], [28, "\x80theora"]],
  ["audio/ogg", [0, "OggS"]],
  ["application/pdf", [0, "%PDF-"]],
  ["application/zip", [0, "PK\x03\x04"]],
  ["application/zip", [0, "PK\x05\x06"]],
  ["model/gltf-binary", [0, "glTF"]],
  ["application/x-npy", [0, "\x93NUMPY"]],
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
  ["M4B ", "audio/mp4"],
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
  if (isAdts(text.charCodeAt(0), text.charCodeAt(1), text.charCodeAt(2))) return "audio/aac";
  if (isLayerThree(text.charCodeAt(0), text.charCodeAt(1), text.charCodeAt(2))) return "audio/mpeg";
  return isSvg(bytes) ? "image/svg+xml" : null;
}

/** Whether the first element is that of an SVG. */
function isSvg(bytes: Uint8Array): boolean {
  const text = new TextDecoder().decode(bytes.subarray(0, SVG_BYTES));
  if (!/^\s*</.test(text)) return false;
  const before = /<\?[^>]*\?>|<!--[\s\S]*?-->|<!DOCTYPE[^>[]*(?:\[[^\]]*\])?\s*>/gi;
  return /^\s*<(?:svg:)?svg[\s/>]/.test(text.replaceAll(before, ""));
}

/** A frame of AAC (ADTS; ISO/IEC 13818-7, 6.2): twelve bits set, layer 0, a sampling rate that exists. */
function isAdts(first: number, second: number, third: number): boolean {
  return first === 0xff && (second & 0xf6) === 0xf0 && (third & 0x3c) >> 2 <= 12;
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
