/** What happened, one line an event. The last lines are kept, and a fingerprint of all: two equal stories have the same. */

const KEPT = 400;

export class Trace {
  readonly #kept: string[] = [];
  readonly #print: ((line: string) => void) | null;
  #hash = 0x811c9dc5;
  #length = 0;

  /** Every line is printed where `print` is given. */
  constructor(print: ((line: string) => void) | null) {
    this.#print = print;
  }

  add(line: string): void {
    this.#length++;
    this.#kept.push(line);
    if (this.#kept.length > 2 * KEPT) this.#kept.splice(0, KEPT);
    // FNV-1a.
    let hash = this.#hash;
    for (let index = 0; index < line.length; index++) hash = Math.imul(hash ^ line.charCodeAt(index), 0x01000193);
    this.#hash = Math.imul(hash ^ 10, 0x01000193);
    this.#print?.(line);
  }

  get last(): string[] {
    return this.#kept.slice(-KEPT);
  }

  get fingerprint(): string {
    return `${this.#length}-${(this.#hash >>> 0).toString(16).padStart(8, "0")}`;
  }
}
