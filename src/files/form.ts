/**
 * A form (multipart/form-data, RFC 7578) that carries one file among its fields. The file is handed on while it comes, before
 * the rest of the form is known; so if the form turns out to be wrong, the file's stream fails with the reason. Fields are
 * passed over, but for what OpenAI's clients say that it is for.
 */
import { MultipartReader, type PartsTaker } from "../content/multipart.ts";
import type { PartHead } from "../content/part-head.ts";
import { Malformed } from "../encoding/result.ts";
import { BrokenOff, pump } from "../encoding/streams.ts";
import { FORM_FIELD_BYTES } from "../limits.ts";
import { logError } from "../platform/log.ts";
import { Problem, problem } from "../problem.ts";

export interface FormFile {
  /** The file's name; null if its part gives none. */
  readonly name: string | null;
  /** Of its part; `text/plain` if it has none (RFC 7578, 4.4). */
  readonly contentType: string;
  /** Must be read to its end or canceled. */
  readonly body: ReadableStream<Uint8Array>;
  /** The field `purpose` of the form, as OpenAI's clients send it; known once the body has come to its end, since it may come after it. */
  readonly purpose: () => string;
}

/** The file of a form, as soon as it begins. Throws `bad_request` if there is none, or the form breaks off before it. */
export function fileInForm(body: ReadableStream<Uint8Array>, boundary: string, gone: AbortSignal): Promise<FormFile> {
  const found = Promise.withResolvers<FormFile>();
  const taker = new FileTaker(found.resolve);
  const reader = new MultipartReader(boundary, taker);
  const read = async () => {
    try {
      await pump(body, (chunk) => reader.write(chunk), gone);
      reader.end();
      await taker.finish();
    } catch (error) {
      const reason = reasonOf(error, gone);
      found.reject(reason); // of no effect if the file has begun
      await taker.fail(reason);
    }
  };
  void read();
  return found.promise;
}

/** The file is refused, for a reason that its reader knows. */
class ReaderGone extends Error {}

class FileTaker implements PartsTaker {
  readonly #found: (file: FormFile) => void;
  #writer: WritableStreamDefaultWriter<Uint8Array> | null = null;
  #isFile = false;
  #isPurpose = false;
  #purpose = "";
  #fieldBytes = 0;

  constructor(found: (file: FormFile) => void) {
    this.#found = found;
  }

  async begin({ name, fileName, contentType }: PartHead): Promise<void> {
    this.#isFile = fileName !== null;
    this.#isPurpose = !this.#isFile && name === "purpose";
    if (!this.#isFile) return;
    if (this.#writer) throw problem("bad_request", { detail: "The form has more than one file; send each in a request of its own." });
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    this.#writer = writable.getWriter();
    this.#writer.closed.catch(() => {}); // writes fail for the same reason
    this.#found({ name: fileName || null, contentType, body: readable, purpose: () => this.#purpose });
  }

  async data(chunk: Uint8Array): Promise<void> {
    if (this.#isFile) {
      return this.#writer?.write(chunk.slice()).catch((error: unknown) => {
        throw new ReaderGone("the file's reader is gone", { cause: error });
      });
    }
    this.#fieldBytes += chunk.byteLength;
    if (this.#isPurpose) this.#purpose += new TextDecoder().decode(chunk);
    if (this.#fieldBytes > FORM_FIELD_BYTES) {
      throw problem("body_too_large", {
        detail: `The form's fields have more than ${FORM_FIELD_BYTES} bytes; the file's part needs a filename.`,
      });
    }
  }

  async end(): Promise<void> {
    this.#isFile = false;
  }

  async finish(): Promise<void> {
    if (!this.#writer) throw problem("bad_request", { detail: "The form has no file: one of its parts must have a filename." });
    await this.#writer.close();
  }

  /** Never rejects. */
  async fail(reason: Problem): Promise<void> {
    await this.#writer?.abort(reason).catch(() => {}); // the file's reader has gone already
  }
}

/** Why a form can't be read. What is neither its sender's nor its reader's doing is a fault of ours. */
function reasonOf(error: unknown, gone: AbortSignal): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof Malformed) return problem("bad_request", { detail: `The form is not valid: ${error.message}.` });
  if (error instanceof BrokenOff || gone.aborted) return problem("bad_request", { detail: "The form broke off before its last boundary." });
  if (!(error instanceof ReaderGone)) logError("form_not_read", error);
  return problem("internal");
}
