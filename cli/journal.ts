/** What of a `submit` is done, kept in a file so that the same command goes on where it was interrupted. */
import { createHash, randomUUID } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** What of one command was uploaded and submitted: a file of JSON lines that is gone when the command has come to its end. */
export class Journal {
  readonly #file: string;
  readonly #name: string;
  /** By the item's place. */
  readonly ids = new Map<string, string>();
  readonly #references = new Map<string, string>();
  /** Of large files, in parts. */
  readonly #uploads = new Map<string, string>();

  constructor(command: readonly string[]) {
    const folder = join(process.env["XDG_STATE_HOME"] ?? join(homedir(), ".local", "state"), "claimcheck");
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#file = resolve(folder, `${createHash("sha256").update(command.join("\0")).digest("hex").slice(0, 32)}.jsonl`);
    // The last line of a killed program may be cut; its key finds the inference again.
    const entries = existsSync(this.#file) ? readFileSync(this.#file, "utf8").split("\n").flatMap(entryIn) : [];
    this.#name = entries.find((entry) => entry.name !== undefined)?.name ?? randomUUID();
    for (const { place, id, file, upload } of entries) {
      if (place !== undefined && id !== undefined) this.ids.set(place, id);
      if (place !== undefined && file !== undefined) this.#references.set(place, file);
      if (place !== undefined && upload !== undefined) this.#uploads.set(place, upload);
    }
    this.#add({ name: this.#name });
  }

  /** Good for 24 hours. */
  keyOf(place: string): string {
    return `${this.#name}-${createHash("sha256").update(place).digest("hex").slice(0, 32)}`;
  }

  /** The file of an item: as it was uploaded before, since the request that is repeated must be the same. */
  async referenceOf(
    place: string,
    uploaded: (begun: string | undefined, onStart: (id: string) => void) => Promise<string>,
  ): Promise<string> {
    const known = this.#references.get(place);
    if (known !== undefined) return known;
    const file = await uploaded(this.#uploads.get(place), (upload) => this.#add({ place, upload }));
    this.#add({ place, file });
    return file;
  }

  note(place: string, id: string): void {
    this.ids.set(place, id);
    this.#add({ place, id });
  }

  #add(entry: Entry): void {
    appendFileSync(this.#file, `\n${JSON.stringify(entry)}`, { mode: 0o600 }); // the line before it may be cut
  }

  close(): void {
    rmSync(this.#file, { force: true });
  }
}

interface Entry {
  /** Of the journal. */
  readonly name?: string;
  readonly place?: string;
  readonly id?: string;
  readonly file?: string;
  /** Of an upload in parts that has begun. */
  readonly upload?: string;
}

function entryIn(line: string): Entry[] {
  try {
    return [JSON.parse(line) as Entry]; // written by #add
  } catch {
    return []; // an empty line, or one that was cut
  }
}
