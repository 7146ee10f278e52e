/**
 * A client that openapi-typescript generates from docs/openapi.json, and a module that makes every call of the document with it: what
 * is sent and what is answered are the examples, so the type checker holds the types against them.
 */
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { OPENAPI_FILE } from "./openapi.ts";

export const GENERATOR = join(import.meta.dirname, "..", "generated");

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly style?: string;
  readonly explode?: boolean;
  readonly schema?: { readonly type?: unknown };
  readonly example?: unknown;
}
interface Operation {
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: Contents };
  readonly responses: Readonly<Record<string, { readonly content?: Contents }>>;
}
type Contents = Readonly<Record<string, { readonly example?: unknown }>>;

export interface Described {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const GIVEN = `import createClient from "openapi-fetch";
import type { paths } from "./api.ts";
const client = createClient<paths>({ baseUrl: "https://claimcheck.example.com" });
`;

/** Installs the generator if it is not there, and writes api.ts. Throws with what the generator says. */
export function generateClient(folder: string): void {
  for (const [command, ...args] of [
    ["node", join(import.meta.dirname, "..", "..", "src", "local", "install.mjs"), "test/generated"],
    [join(GENERATOR, "node_modules", ".bin", "openapi-typescript"), OPENAPI_FILE, "-o", join(folder, "api.ts")],
  ] as const) {
    const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: "utf8" });
    if (status !== 0) throw new Error(`${command} ${args.join(" ")} failed: ${stdout}${stderr}`, { cause: error });
  }
}

/** Writes calls.ts, and answers how many calls it makes. */
export function writeCalls(folder: string, { paths }: Described): number {
  const calls = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, operation]) => callOf(path, method, operation)),
  );
  writeFileSync(join(folder, "calls.ts"), GIVEN + calls.join(""));
  return calls.length;
}

/** A line that makes the call, and one for each answer of which there is an example in JSON. */
function callOf(path: string, method: string, { parameters = [], requestBody, responses }: Operation): string {
  const places = Map.groupBy(
    parameters.filter(({ example }) => example !== undefined),
    (parameter) => parameter.in,
  );
  const params = [...places].map(([place, its]) => [place, Object.fromEntries(its.map(({ name, example }) => [name, example]))] as const);
  const body = Object.values(requestBody?.content ?? {})[0]?.example;
  const init = { ...(params.length > 0 && { params: Object.fromEntries(params) }), ...(body !== undefined && { body }) };
  const answers = Object.entries(responses).flatMap(([status, { content = {} }]) =>
    Object.entries(content)
      .filter(([type, { example }]) => type.includes("json") && example !== undefined)
      .map(([type, { example }]) => {
        const shown = [path, method, "responses", Number(status), "content", type].map((key) => `[${JSON.stringify(key)}]`);
        return `void (${JSON.stringify(example)} satisfies paths${shown.join("")});\n`;
      }),
  );
  const shown = Object.keys(init).length === 0 ? "" : `, ${JSON.stringify(init)}`;
  return [`await client.${method.toUpperCase()}(${JSON.stringify(path)}${shown});\n`, ...answers.map((answer) => `void ${answer}`)].join(
    "",
  );
}
