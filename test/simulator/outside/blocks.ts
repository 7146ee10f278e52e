/** Cuts an answer of server-sent events into its blocks. */
export class Blocks {
  readonly #decoder = new TextDecoder();
  #text = "";

  /** Those that have come whole, without the comments before them. */
  of(piece: Uint8Array): string[] {
    this.#text += this.#decoder.decode(piece, { stream: true });
    const blocks = this.#text.split("\n\n");
    this.#text = blocks.pop() ?? "";
    return blocks.map((block) => block.replace(/^(?::.*\n)+/, ""));
  }
}

/** A field of a block; null if it has none of that name. */
export function fieldOf(block: string, name: string): string | null {
  const line = block.split("\n").find((each) => each.startsWith(`${name}: `));
  return line === undefined ? null : line.slice(name.length + 2);
}
