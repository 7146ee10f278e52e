/** The bucket behind an R2 binding. Every answer comes within BUCKET_MS; if not, `Unavailable` is thrown. */
import { BUCKET_MS } from "../limits.ts";
import { Unavailable, ask } from "../platform/unavailable.ts";
import { type Bucket, ONCE, type Upload, type Uploads } from "./bucket.ts";

export function r2(binding: R2Bucket): Bucket {
  return {
    put: (key, value, options) => ask("storage", BUCKET_MS, () => binding.put(key, value, options)),
    get: (key, options) => ask("storage", BUCKET_MS, () => binding.get(key, options)),
    delete: (keys) => ask("storage", BUCKET_MS, () => binding.delete(keys)),
    async list({ prefix, after, limit }) {
      const options = { prefix, limit, ...(after === null ? {} : { startAfter: after }) };
      const page = await ask("storage", BUCKET_MS, () => binding.list(options));
      return { objects: page.objects, more: page.truncated };
    },
  };
}

/** What takes as long as its data takes to come has no limit here: its caller bounds the data. */
export function r2Uploads(binding: R2Bucket): Uploads {
  return {
    open(key, bytes, contentType) {
      const { readable, writable } = new FixedLengthStream(bytes);
      const writer = writable.getWriter();
      writer.closed.catch(() => {}); // the calls below reject for the same reason
      let failure: Unavailable | null = null;
      const put = binding.put(key, readable, { onlyIf: ONCE, httpMetadata: { contentType } }).catch((error: unknown) => {
        failure = new Unavailable("storage", false, error);
        return failure;
      });
      /** What fails when the put has failed, fails for that reason, which may come a moment later. */
      const orItsCause = async (writing: Promise<void>) => {
        try {
          await writing;
        } catch (error) {
          await soon();
          throw failure ?? error;
        }
      };
      return {
        write: (chunk) => inTime(() => orItsCause(writer.write(chunk))),
        async end() {
          await inTime(() => orItsCause(writer.close()));
          const answer = await inTime(() => put);
          if (answer instanceof Unavailable) throw answer;
          return answer !== null;
        },
        async abort() {
          await inTime(() => writer.abort(new Error("given up")).then(() => put)).catch(() => {});
        },
      };
    },
    async begin(key, contentType) {
      return upload(await ask("storage", BUCKET_MS, () => binding.createMultipartUpload(key, { httpMetadata: { contentType } })));
    },
    resume: (key, id) => upload(binding.resumeMultipartUpload(key, id)),
    digest() {
      const stream = new crypto.DigestStream("SHA-256");
      const writer = stream.getWriter();
      return {
        write: (chunk) => writer.write(chunk),
        async end() {
          await writer.close();
          return new Uint8Array(await stream.digest);
        },
      };
    },
  };
}

function soon(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 0);
  });
}

const inTime = <T>(question: () => Promise<T>) => ask("storage", BUCKET_MS, question);

function upload(it: R2MultipartUpload): Upload {
  return {
    id: it.uploadId,
    part: (number, value) => (value instanceof ReadableStream ? it.uploadPart(number, value) : inTime(() => it.uploadPart(number, value))),
    async complete(parts) {
      await inTime(() => it.complete([...parts]));
    },
    async abort() {
      await inTime(() =>
        it.abort().catch((error: unknown) => {
          if (!(error instanceof Error && NO_SUCH_UPLOAD.test(error.message))) throw error;
        }),
      );
    },
  };
}

const NO_SUCH_UPLOAD = /\b10024\b/; // R2's code
