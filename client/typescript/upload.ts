/** Uploads: small files in one request, others in parts, each with its digest. */
import type { Calls } from "./calls.ts";
import { ApiError, ClaimcheckError } from "./errors.ts";
import type { File, Upload } from "./types.ts";

export interface UploadOptions {
  readonly signal?: AbortSignal;
  readonly name?: string;
  readonly contentType?: string;
  readonly onProgress?: (sent: number, total: number) => void;
  /** The id of an upload that was begun and cut: only the parts that are missing are sent. */
  readonly resume?: string;
  /** Is called with the id of an upload in parts, to resume it by. */
  readonly onStart?: (id: string) => void;
}

const PART_BYTES = 8 * 1024 * 1024;
const OCTETS = "application/octet-stream";

export async function upload(calls: Calls, source: Blob | Uint8Array<ArrayBuffer> | string, options: UploadOptions): Promise<File> {
  const { signal, name, contentType, onProgress, resume } = options;
  const blob = source instanceof Blob ? source : new Blob([source]);
  const type = contentType ?? (blob.type || OCTETS);
  if (blob.size > PART_BYTES || resume !== undefined) return inParts(calls, blob, type, options);
  const query = new URLSearchParams({ ...(name === undefined ? {} : { name }), ...(blob.size === 0 ? { empty: "1" } : {}) });
  const headers = { "Content-Type": type, ...(await digestOf(blob)) };
  const file: File = await calls.json(`/v1/files?${query.toString()}`, { method: "POST", bytes: blob, headers, repeatable: true, signal });
  onProgress?.(blob.size, blob.size);
  return file;
}

async function inParts(calls: Calls, blob: Blob, contentType: string, options: UploadOptions): Promise<File> {
  const { signal, name, onProgress, onStart } = options;
  const body = { bytes: blob.size, content_type: contentType, ...(name === undefined ? {} : { name }) };
  const started = (await begun(calls, blob, options)) ?? (await calls.json<Upload>("/v1/uploads", { method: "POST", body, signal }));
  const path = `/v1/uploads/${encodeURIComponent(started.id)}`;
  onStart?.(started.id);
  const size = started.part_bytes ?? blob.size;
  const there = new Set(started.received);
  const part = (number: number) => blob.slice((number - 1) * size, number * size);
  let sent = started.received.reduce((sum, number) => sum + part(number).size, 0);
  for (let number = 1; started.status === "uploading" && number <= started.parts; number++) {
    if (there.has(number)) continue;
    const bytes = part(number);
    const headers = { "Content-Type": OCTETS, ...(await digestOf(bytes)) };
    await calls.send(`${path}/parts/${number}`, { method: "PUT", bytes, headers, repeatable: true, signal }, (answer) => answer.text());
    sent += bytes.size;
    onProgress?.(sent, blob.size);
  }
  return calls.json(`${path}/complete`, { method: "POST", repeatable: true, signal });
}

/** The upload to resume; null if there is none, or the deployment has forgotten it. */
async function begun(calls: Calls, blob: Blob, { resume, signal }: UploadOptions): Promise<Upload | null> {
  if (resume === undefined) return null;
  try {
    const found = await calls.json<Upload>(`/v1/uploads/${encodeURIComponent(resume)}`, { signal });
    if (found.bytes === blob.size) return found;
    throw new ClaimcheckError(
      `The upload ${resume} is of a file of ${found.bytes} bytes, and this one has ${blob.size}. Upload it without "resume".`,
    );
  } catch (error) {
    if (error instanceof ApiError && (error.status === 404 || error.status === 410)) return null;
    throw error;
  }
}

/** Browsers have Web Crypto's digests only on pages of a secure origin; elsewhere the length alone is checked. */
async function digestOf(blob: Blob): Promise<Record<string, string>> {
  const subtle: typeof crypto.subtle | undefined = crypto.subtle;
  if (!subtle || blob.size === 0) return {};
  const digest = new Uint8Array(await subtle.digest("SHA-256", await blob.arrayBuffer()));
  return { "Content-Digest": `sha-256=:${btoa(String.fromCharCode(...digest))}:` };
}
