/** The log of an embedded runtime: a line for each event, with its time; its owner's alone, and never beyond two files. */
import { chmodSync, closeSync, existsSync, mkdirSync, openSync, renameSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** A file that has grown beyond this makes room for a new one; the one before it is kept. */
const LOG_BYTES = 10_000_000;

export class LogFile {
  readonly path: string;
  readonly #mostBytes: number;
  #file: number;
  #bytes: number;
  #ended = false;

  constructor(path: string, mostBytes = LOG_BYTES) {
    this.path = path;
    this.#mostBytes = mostBytes;
    mkdirSync(dirname(path), { recursive: true });
    if (existsSync(path)) chmodSync(path, 0o600);
    this.#bytes = existsSync(path) ? statSync(path).size : 0;
    this.#file = this.#open();
  }

  /** What comes after the end is not written. */
  write(line: string): void {
    if (this.#ended) return;
    const text = `${new Date().toISOString()} ${line}\n`;
    if (this.#bytes > 0 && this.#bytes + text.length > this.#mostBytes) {
      closeSync(this.#file);
      renameSync(this.path, `${this.path}.1`);
      this.#bytes = 0;
      this.#file = this.#open();
    }
    this.#bytes += text.length;
    writeSync(this.#file, text);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    closeSync(this.#file);
  }

  #open(): number {
    return openSync(this.path, "a", 0o600);
  }
}
