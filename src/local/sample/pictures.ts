// Opens a picture by its reference (http(s) URL, data URL, or `pictures/<name>` in the server's own folder) and decodes it to few pixels.
//
// Invariant: nothing a reference can say takes more than the stated bytes, seconds, redirects, pixels and slots, or reads a file outside the
// folder; every failure is a short text for the item, and no text holds a path of this machine.
// What may go wrong: http(s) goes wherever this machine can reach, loopback included: the server is for loopback and trusted callers.

import { constants } from "node:fs";
import { lstat, open } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import type { Raster } from "./colors.ts";

export interface PictureLimits {
  bytes: number;
  /** For one picture from the first byte asked for to the last one received, redirects included. */
  fetchMs: number;
}

export const PICTURE_LIMITS: PictureLimits = { bytes: 20 * 2 ** 20, fetchMs: 10_000 };

export type Opened = { ok: true; raster: Raster } | { ok: false; error: string };

const MAX_REDIRECTS = 3;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MAX_MEGAPIXELS = 40;
const MAX_DECODE_SECONDS = 10;
/** Colours need no detail, and shrinking averages out noise: 16 thousand pixels say as much as 16 million. */
const RASTER_SIDE = 128;
/** No separator, no `..`, no percent sign: a name cannot leave the folder. */
const FILE_NAME = /^pictures\/([A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*)$/;

/** A failure that the caller of the API may read. */
class Fault extends Error {}

/** At most `slots` tasks at once, in order of arrival. Whoever is aborted while standing in line leaves when its turn comes. */
function turnstile(slots: number): <T>(signal: AbortSignal, task: () => Promise<T>) => Promise<T> {
  let free = slots;
  const line: (() => void)[] = [];
  return async (signal, task) => {
    if (free > 0) free--;
    else await new Promise<void>((enter) => line.push(enter));
    try {
      signal.throwIfAborted();
      return await task();
    } finally {
      const enter = line.shift();
      if (enter) enter();
      else free++;
    }
  };
}

// For the whole process. A picture holds its bytes until it is decoded, so the outer one bounds memory (16 x 20 MB) and the inner one processors.
const opening = turnstile(16);
const decoding = turnstile(4);

/**
 * Opens and decodes one picture, shrunk to at most 128 pixels a side, upright, in sRGB with alpha.
 *
 * @param folder where `pictures/<name>` is looked up
 * @throws the signal's reason when `signal` aborts, and nothing else
 */
export async function openPicture(
  reference: string,
  folder: string,
  signal: AbortSignal,
  limits: PictureLimits = PICTURE_LIMITS,
): Promise<Opened> {
  try {
    const raster = await opening(signal, async () => {
      const bytes = await readPicture(reference, folder, signal, limits);
      return decoding(signal, () => decode(bytes));
    });
    return { ok: true, raster };
  } catch (error) {
    signal.throwIfAborted();
    return { ok: false, error: error instanceof Fault ? error.message : "picture could not be opened" };
  }
}

async function readPicture(reference: string, folder: string, signal: AbortSignal, limits: PictureLimits): Promise<Uint8Array> {
  if (reference === "") throw new Fault("no picture is named");
  if (/^https?:/i.test(reference)) return fetchPicture(reference, signal, limits);
  if (/^data:/i.test(reference)) return readDataUrl(reference, limits);
  const name = FILE_NAME.exec(reference)?.[1];
  if (name !== undefined) return readOwnFile(join(folder, name), limits);
  throw new Fault("a picture is an http(s) URL, a data URL or pictures/<name>");
}

async function readOwnFile(path: string, limits: PictureLimits): Promise<Uint8Array> {
  // The flags close the gap between looking and opening: a link put there meanwhile is not followed, a pipe does not block. Windows has neither flag.
  const flags = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  const file = await lstat(path)
    .then((entry) => (entry.isFile() ? open(path, flags) : null))
    .catch(() => null);
  if (file === null) throw new Fault("no such picture on the server");
  try {
    if ((await file.stat()).size > limits.bytes) throw tooLarge(limits);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** RFC 2397; the media type is not believed, the bytes tell. */
function readDataUrl(reference: string, limits: PictureLimits): Uint8Array {
  const comma = reference.indexOf(",");
  const body = reference.slice(comma + 1);
  let bytes: Buffer;
  try {
    if (comma < 0) throw new URIError("no comma");
    bytes = /;\s*base64$/i.test(reference.slice(0, comma))
      ? Buffer.from(body.includes("%") ? decodeURIComponent(body) : body, "base64")
      : Buffer.from(
          body.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
          "latin1",
        );
  } catch {
    throw new Fault("not a valid data URL");
  }
  if (bytes.length > limits.bytes) throw tooLarge(limits);
  return bytes;
}

async function fetchPicture(reference: string, signal: AbortSignal, limits: PictureLimits): Promise<Uint8Array> {
  const timeout = AbortSignal.timeout(limits.fetchMs);
  const either = AbortSignal.any([signal, timeout]);
  try {
    let url = parseUrl(reference);
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const response = await fetch(url, {
        redirect: "manual",
        signal: either,
        headers: { accept: "image/webp,image/png,image/jpeg" },
      });
      if (response.ok) return await readBounded(response, limits);
      await response.body?.cancel();
      if (!REDIRECTS.has(response.status)) throw new Fault(`picture answered ${response.status}`);
      const location = response.headers.get("location");
      if (location === null) throw new Fault(`picture answered ${response.status} without a location`);
      url = parseUrl(location, url);
    }
    throw new Fault(`picture redirects more than ${MAX_REDIRECTS} times`);
  } catch (error) {
    if (error instanceof Fault) throw error;
    if (timeout.aborted) throw new Fault(`picture took longer than ${limits.fetchMs / 1000} s`);
    throw new Fault(networkFault(error));
  }
}

function parseUrl(text: string, base?: URL): URL {
  const url = URL.parse(text, base?.href);
  if (url === null || url.username !== "" || url.password !== "") throw new Fault("not a usable picture URL");
  if (url.protocol !== "http:" && url.protocol !== "https:") throw new Fault("picture redirects to something other than http or https");
  return url;
}

/** Counts what arrives (decompressed), as the announced length may be absent or a lie. */
async function readBounded(response: Response, limits: PictureLimits): Promise<Uint8Array> {
  const announced = Number(response.headers.get("content-length") ?? 0);
  const chunks: Uint8Array[] = [];
  let length = 0;
  if (announced > limits.bytes) await response.body?.cancel();
  else
    for await (const chunk of response.body ?? []) {
      length += chunk.byteLength;
      if (length > limits.bytes) break; // leaving the loop cancels the body
      chunks.push(chunk);
    }
  if (Math.max(announced, length) > limits.bytes) throw tooLarge(limits);
  return Buffer.concat(chunks, length);
}

/** fetch reports every network failure as one TypeError; what happened is in its cause. */
function networkFault(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  switch (code) {
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "picture host is unknown";
    case "ECONNREFUSED":
      return "picture host refused the connection";
    case "ECONNRESET":
    case "UND_ERR_SOCKET":
      return "picture host cut the connection";
    default:
      return "picture could not be fetched";
  }
}

function tooLarge(limits: PictureLimits): Fault {
  const megabytes = limits.bytes / 2 ** 20;
  return new Fault(megabytes >= 1 ? `larger than ${megabytes} MB` : `larger than ${limits.bytes} bytes`);
}

/** Looked up before any decoder sees the bytes: those of SVG, PDF and the like never run on what a stranger sends. */
function isAccepted(bytes: Uint8Array): boolean {
  const head = Buffer.from(bytes.subarray(0, 12)).toString("latin1");
  return head.startsWith("\x89PNG\r\n\x1a\n") || head.startsWith("\xff\xd8\xff") || /^RIFF[^]{4}WEBP/.test(head);
}

async function decode(bytes: Uint8Array): Promise<Raster> {
  if (!isAccepted(bytes)) throw new Fault("not a PNG, JPEG or WebP picture");
  const limitInputPixels = MAX_MEGAPIXELS * 1_000_000;
  try {
    // Only the head is read here, so the limit need not hold yet, and the caller gets a clear reason.
    const { width, height, space, hasProfile } = await sharp(bytes, { limitInputPixels: false }).metadata();
    if (width * height > limitInputPixels) throw new Fault(`larger than ${MAX_MEGAPIXELS} megapixels`);
    const small = (of: Uint8Array) =>
      sharp(of, { limitInputPixels, failOn: "error", sequentialRead: true })
        .timeout({ seconds: MAX_DECODE_SECONDS })
        .autoOrient()
        // Other kernels overshoot at edges and so invent colours that the picture does not have.
        .resize(RASTER_SIDE, RASTER_SIDE, { fit: "inside", withoutEnlargement: true, kernel: "linear" })
        .toColourspace("srgb");
    // Of a picture with 16 bits a channel, sharp leaves the colour profile aside: it is made one of 8 bits first, with its profile.
    const known = space === "rgb16" && hasProfile ? await small(bytes).keepIccProfile().png().toBuffer() : bytes;
    const { data, info } = await small(known).ensureAlpha().raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
    return { width: info.width, height: info.height, rgba: data };
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault("picture is broken or cut short");
  }
}
