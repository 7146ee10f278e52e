/** Calls made at random from docs/openapi.json: right, nearly right and wrong, from one seed. */
import document from "../../../docs/openapi.json";

interface Described {
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly example?: unknown;
    readonly schema: { readonly type?: unknown };
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly example?: unknown }>> };
  readonly responses: Readonly<Record<string, unknown>>;
  readonly security: readonly object[];
}

export interface RandomCall {
  readonly name: string;
  readonly path: string;
  readonly init: { readonly method: string; readonly headers: Record<string, string>; readonly body?: string };
  readonly statuses: readonly string[];
}

const operations = Object.entries(document.paths as unknown as Record<string, Record<string, Described>>).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, described]) => ({ path, method: method.toUpperCase(), described })),
);

const VALUES: readonly unknown[] = [null, true, -1, 0, 1.5, 2 ** 53, "", "x", "ä\u0000", "a".repeat(300), [], [1], {}, { a: {} }];

/** Numbers from 0 up to 1 (mulberry32). */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    const mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    const more = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((more ^ (more >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** So many calls; `keys` are what may stand in the Authorization header. */
export function* randomCalls(
  seed: number,
  count: number,
  keys: { readonly account: string; readonly operator: string },
): Generator<RandomCall> {
  const random = randomOf(seed);
  const one = <T>(some: readonly T[]): T => some[Math.floor(random() * some.length)] as T; // there is at least one
  const text = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value));
  const changed = (value: unknown): unknown => {
    if (random() < 0.2) return one(VALUES);
    if (Array.isArray(value)) return value.map((each) => (random() < 0.4 ? changed(each) : each));
    if (typeof value !== "object" || value === null) return random() < 0.5 ? one(VALUES) : value;
    const members = Object.entries(value).flatMap(([name, its]) =>
      random() < 0.15 ? [] : ([[name, random() < 0.4 ? changed(its) : its]] as const),
    );
    return Object.fromEntries(random() < 0.1 ? [...members, ["unknown", one(VALUES)]] : members);
  };
  for (let made = 0; made < count; made++) {
    const { path, method, described } = one(operations);
    const { parameters = [], requestBody, security } = described;
    const isOperator = security.some((scheme) => "operator" in scheme);
    const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
      const example = parameters.find((it) => it.in === "path" && it.name === name)?.example;
      return encodeURIComponent(random() < 0.7 ? text(example ?? "x") : text(one(VALUES)) || "x");
    });
    const query = new URLSearchParams();
    for (const { name, in: where, example } of parameters) {
      if (where === "query" && random() < 0.4) query.set(name, random() < 0.5 && example !== undefined ? text(example) : text(one(VALUES)));
    }
    const [type, content] = requestBody ? one(Object.entries(requestBody.content)) : [];
    const example = content?.example ?? {};
    const body = type === undefined ? undefined : random() < 0.05 ? "{" : text(random() < 0.4 ? example : changed(example));
    const key = random() < 0.9 ? (isOperator ? keys.operator : keys.account) : one(["", "ck_wrong", keys.account, keys.operator]);
    const headers = {
      ...(key === "" ? {} : { Authorization: `Bearer ${key}` }),
      ...(body === undefined
        ? {}
        : { "Content-Type": random() < 0.95 ? (type === "*/*" ? "application/octet-stream" : String(type)) : "text/plain" }),
    };
    yield {
      name: `${method} ${path}`,
      path: query.size > 0 ? `${filled}?${query.toString()}` : filled,
      init: { method, headers, ...(body === undefined ? {} : { body }) },
      statuses: Object.keys(described.responses),
    };
  }
}
