/**
 * PURE. What an isolate remembers for a while, so that it need not ask again: at most so many things, each until its
 * time. The oldest makes room. Nothing in here is ever more than a hint: another isolate may know otherwise.
 */
export class Memory<T> {
  readonly #most: number;
  readonly #things = new Map<string, { readonly value: T; readonly until: number }>();
  readonly #oldest = new Oldest(this.#things);

  constructor(most: number) {
    this.#most = most;
  }

  /** Undefined for what is not known, or not any more at `now`; ms by the clock of `set`. */
  get(name: string, now: number): T | undefined {
    const thing = this.#things.get(name);
    return thing && thing.until > now ? thing.value : undefined;
  }

  delete(name: string): void {
    this.#things.delete(name);
  }

  /** Forgets each thing whose name passes; looks at all. */
  deleteAll(passes: (name: string) => boolean): void {
    for (const name of this.#things.keys()) if (passes(name)) this.#things.delete(name);
  }

  set(name: string, value: T, until: number): void {
    this.#things.delete(name);
    if (this.#things.size < this.#most) this.#oldest.forget();
    else this.#things.delete(this.#oldest.next() ?? name);
    this.#things.set(name, { value, until });
  }
}

/**
 * The names of a map from the first set on, for who deletes each at once. A look that begins anew passes over all that were deleted before,
 * which takes the longer the more there are (measured with V8: 27 µs of 10,000). So the place is kept, for as long as names are
 * taken one after the other: while it is, all that the map has deleted meanwhile stays in memory.
 */
export class Oldest {
  readonly #map: ReadonlyMap<string, unknown>;
  #place: Iterator<string, undefined> | null = null;

  constructor(map: ReadonlyMap<string, unknown>) {
    this.#map = map;
  }

  /** Undefined if the map is empty. */
  next(): string | undefined {
    this.#place ??= this.#map.keys();
    const { done, value } = this.#place.next();
    if (!done) return value;
    this.#place = this.#map.keys();
    return this.#place.next().value;
  }

  /** Nothing is to be taken for now. */
  forget(): void {
    this.#place = null;
  }
}

/** What is made once for each environment, when it is first asked for. */
export function oncePer<Environment extends object, T>(make: (env: Environment) => T): (env: Environment) => T {
  const made = new WeakMap<Environment, { readonly it: T }>();
  return (env) => {
    const known = made.get(env);
    if (known) return known.it;
    const it = make(env);
    made.set(env, { it });
    return it;
  };
}
