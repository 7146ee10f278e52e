/**
 * PURE. The lines of a batch's files, as OpenAI's API has them. What a line says of an inference that has ended does not change while
 * the files are written, so a step that is repeated writes the same bytes.
 */
import { writeJson } from "../encoding/json.ts";
import type { Batch } from "./batch.ts";
import type { LineAnswer } from "./wire.ts";

const encoder = new TextEncoder();

/** A line with the answer to it. `id` is that of its inference; of a line without one, that of its batch and its number. */
export function answered(id: string, customId: string, { status, body }: LineAnswer): Uint8Array {
  return lineOf({ id, custom_id: customId, response: { status_code: status, request_id: id, body }, error: null });
}

/** A line that was not answered because its batch has ended. */
export function unanswered(id: string, customId: string, endsAs: Batch["endsAs"]): Uint8Array {
  const error =
    endsAs === "expired"
      ? { code: "batch_expired", message: "This request could not be executed before the completion window expired." }
      : { code: "batch_cancelled", message: "This request was not executed before its batch was cancelled." };
  return lineOf({ id, custom_id: customId, response: null, error });
}

const lineOf = (value: unknown) => encoder.encode(`${writeJson(value)}\n`);

const NEWLINE = 10;
const SPACE = 32;

/** A part of a file: whole lines, as many as fit. */
export class Part {
  readonly #bytes: Uint8Array;
  #filled = 0;
  lines = 0;

  constructor(size: number) {
    this.#bytes = new Uint8Array(size);
  }

  /** False, and nothing is added, if there is no room for it. */
  add(line: Uint8Array): boolean {
    if (this.#filled + line.byteLength > this.#bytes.byteLength) return false;
    this.#bytes.set(line, this.#filled);
    this.#filled += line.byteLength;
    this.lines++;
    return true;
  }

  get isEmpty(): boolean {
    return this.#filled === 0;
  }

  /** What there is. */
  rest(): Uint8Array {
    return this.#bytes.subarray(0, this.#filled);
  }

  /** The whole of it: R2 wants all parts but the last to be of one size, and JSON lets spaces stand at the end of a line. */
  whole(): Uint8Array {
    if (this.#filled < this.#bytes.byteLength) {
      this.#bytes.fill(SPACE, this.#filled - 1);
      this.#bytes[this.#bytes.byteLength - 1] = NEWLINE;
    }
    return this.#bytes;
  }
}
