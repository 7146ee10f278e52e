/**
 * A form (multipart/form-data, RFC 7578) that carries one file among its fields. The file is handed on while it comes, before
 * the rest of the form is known; so if the form turns out to be wrong, the file's stream fails with the reason. Its other
 * fields are gathered, since they may come after it.
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
  /** The form's other fields by name: those that have come so far, and all of them at the end of `body`. */
  readonly fields: ReadonlyMap<string, string>;
}

/**
 * The file of a form, as soon as it begins: the part with a file's name, or the one of the field that is named. Throws `bad_request` if
 * there is none, or the form breaks off before it.
 */
export function fileInForm(
  body: ReadableStream<Uint8Array>,
  boundary: string,
  gone: AbortSignal,
  field: string | null = null,
): Promise<FormFile> {
  const found = Promise.withResolvers<FormFile>();
  const taker = new FileTaker(field, found.resolve);
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
  readonly #named: string | null;
  readonly #found: (file: FormFile) => void;
  #writer: WritableStreamDefaultWriter<Uint8Array> | null = null;
  #isFile = false;
  #fieldBytes = 0;
  #field: string | null = null;
  #decoder = new TextDecoder();
  readonly #fields = new Map<string, string>();

  constructor(named: string | null, found: (file: FormFile) => void) {
    this.#named = named;
    this.#found = found;
  }

  async begin({ fileName, field, contentType }: PartHead): Promise<void> {
    this.#isFile = this.#named === null ? fileName !== null : field === this.#named;
    this.#field = field;
    this.#decoder = new TextDecoder();
    if (!this.#isFile) return;
    if (this.#writer) throw problem("bad_request", { detail: "The form has more than one file; send each in a request of its own." });
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    this.#writer = writable.getWriter();
    this.#writer.closed.catch(() => {}); // writes fail for the same reason
    this.#found({ name: fileName || null, contentType, body: readable, fields: this.#fields });
  }

  async data(chunk: Uint8Array): Promise<void> {
    if (this.#isFile) {
      return this.#writer?.write(chunk.slice()).catch((error: unknown) => {
        throw new ReaderGone("the file's reader is gone", { cause: error });
      });
    }
    this.#fieldBytes += chunk.byteLength;
    if (this.#fieldBytes > FORM_FIELD_BYTES) {
      throw problem("body_too_large", {
        detail: `The form's fields have more than ${FORM_FIELD_BYTES} bytes; ${this.#named === null ? "the file's part needs a filename" : `the file is to be the field "${this.#named}"`}.`,
      });
    }
    this.#add(this.#decoder.decode(chunk, { stream: true }));
  }

  #add(text: string): void {
    if (this.#field !== null) this.#fields.set(this.#field, (this.#fields.get(this.#field) ?? "") + text);
  }

  async end(): Promise<void> {
    if (!this.#isFile) this.#add(this.#decoder.decode());
    this.#isFile = false;
  }

  async finish(): Promise<void> {
    const wanted = this.#named === null ? "one of its parts must have a filename" : `it must have a field "${this.#named}"`;
    if (!this.#writer) throw problem("bad_request", { detail: `The form has no file: ${wanted}.` });
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
