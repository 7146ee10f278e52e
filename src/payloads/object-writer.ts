/**
 * Writes an object while its bytes come: in one put where their number is known, else in parts; memory holds a chunk of
 * the one and a part of the other, whatever the size.
 */
import { type Bucket, ONCE, type Upload, type UploadedPart, type Uploads, type Writing } from "./bucket.ts";
import { hexOf } from "../encoding/hex.ts";
import { PUT_BYTES, UPLOAD_PART_BYTES } from "../limits.ts";

/** Where objects are written bit by bit. `begun` is told of an upload in parts before it has any, so that it is found after a crash. */
export interface ObjectStores {
  readonly payloads: Bucket;
  readonly uploads: Uploads;
  readonly begun: (key: string, uploadId: string) => Promise<void>;
}

/** One object that is written while its bytes come, with their digest. */
export class ObjectWriting {
  readonly #writing: Writing;
  readonly #digest;
  #bytes = 0;

  /** `bytes`: its length; null where it is not known yet. */
  constructor(stores: ObjectStores, key: string, contentType: string, bytes: number | null) {
    this.#digest = stores.uploads.digest();
    const atOnce = bytes !== null && bytes <= PUT_BYTES;
    this.#writing = atOnce ? stores.uploads.open(key, bytes, contentType) : new PartsWriting(stores, key, contentType);
  }

  /** The chunk is no longer needed when this resolves. */
  async write(chunk: Uint8Array): Promise<void> {
    this.#bytes += chunk.byteLength;
    await this.#digest.write(chunk);
    await this.#writing.write(chunk);
  }

  /** The object is there when this resolves. `sha256` in hex. */
  async end(): Promise<{ bytes: number; sha256: string }> {
    await this.#writing.end();
    return { bytes: this.#bytes, sha256: hexOf(await this.#digest.end()) };
  }

  /** Nothing is left of it. Never rejects. */
  abort(): Promise<void> {
    return this.#writing.abort();
  }
}

/** Of a length that is not known: one put where it fits into a part, else an upload in equal parts. */
class PartsWriting implements Writing {
  readonly #stores: ObjectStores;
  readonly #key: string;
  readonly #contentType: string;
  readonly #buffer = new Uint8Array(UPLOAD_PART_BYTES);
  readonly #parts: UploadedPart[] = [];
  #filled = 0;
  #upload: Upload | null = null;

  constructor(stores: ObjectStores, key: string, contentType: string) {
    this.#stores = stores;
    this.#key = key;
    this.#contentType = contentType;
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let rest = chunk; rest.byteLength > 0;) {
      // A part goes out only when more follows, so that the last one is never empty.
      if (this.#filled === this.#buffer.byteLength) await this.#send();
      const fits = rest.subarray(0, this.#buffer.byteLength - this.#filled);
      this.#buffer.set(fits, this.#filled);
      this.#filled += fits.byteLength;
      rest = rest.subarray(fits.byteLength);
    }
  }

  async end(): Promise<boolean> {
    if (!this.#upload) {
      const options = { onlyIf: ONCE, httpMetadata: { contentType: this.#contentType } };
      return (await this.#stores.payloads.put(this.#key, this.#buffer.subarray(0, this.#filled), options)) !== null;
    }
    await this.#send();
    await this.#upload.complete(this.#parts);
    return true;
  }

  async abort(): Promise<void> {
    await this.#upload?.abort().catch(() => {}); // the sweep knows of it
  }

  async #send(): Promise<void> {
    if (!this.#upload) {
      this.#upload = await this.#stores.uploads.begin(this.#key, this.#contentType);
      await this.#stores.begun(this.#key, this.#upload.id);
    }
    this.#parts.push(await this.#upload.part(this.#parts.length + 1, this.#buffer.subarray(0, this.#filled)));
    this.#filled = 0;
  }
}
