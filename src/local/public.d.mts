/** Every file of dist/public by its path. */
export function publicFiles(): ReadonlyMap<string, string>;
/** Writes it; a program that reads it meanwhile finds each file whole, the old or the new. */
export function makePublic(): Promise<void>;
