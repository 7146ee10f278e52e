/**
 * PURE. What an isolate remembers for a while, so that it need not ask again: at most so many things, each until its
 * time. The oldest makes room. Nothing in here is ever more than a hint: another isolate may know otherwise.
 */
export class Memory<T> {
  readonly #most: number;
  readonly #things = new Map<string, { readonly value: T; readonly until: number }>();

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
    const [oldest] = this.#things.keys();
    if (oldest !== undefined && this.#things.size >= this.#most) this.#things.delete(oldest);
    this.#things.set(name, { value, until });
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
