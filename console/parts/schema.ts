/** What a model takes, as the fields of a form. What a form can't say is entered as JSON. */
import type { Model } from "../types.ts";

export interface Member {
  readonly name: string;
  readonly kind: "text" | "long" | "number" | "yes" | "choice" | "file" | "json";
  readonly hint: string;
  readonly required: boolean;
  readonly choices: readonly string[];
  /** What it is by default, as it stands in the field. */
  readonly initial: string;
}

type Schema = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Schema => typeof value === "object" && value !== null && !Array.isArray(value);

/** Formats of texts that lead to a file, and names that say so where nothing else does. */
const FILE_FORMATS = new Set(["uri", "uri-reference", "iri", "binary", "data-url"]);
const FILE_NAME = /(?:^|_)(?:image|picture|photo|mask|audio|video|file|document|pdf)(?:_?(?:url|uri|path))?$/i;
const LONG_NAME = /prompt|text|content|query|instruction/i;
const NUMBERS = /^(?:U?INT|FP|BF)\d+$/;

/** The fields of a model's input; null if nothing is known of it, or a form can't say it. */
export function membersOf({ input_schema, inputs }: Pick<Model, "input_schema" | "inputs">): readonly Member[] | null {
  if (isObject(input_schema) && isObject(input_schema["properties"])) {
    const required = new Set(Array.isArray(input_schema["required"]) ? input_schema["required"] : []);
    const members = Object.entries(input_schema["properties"]).map(([name, its]) =>
      memberOf(name, isObject(its) ? its : {}, required.has(name)),
    );
    return members.length > 0 ? members : null;
  }
  if (!inputs || inputs.length === 0) return null;
  return inputs.map(({ name, datatype, shape, optional }) => {
    const kind =
      datatype === "BYTES" ? (FILE_NAME.test(name) ? "file" : "text") : NUMBERS.test(datatype) && shape.length <= 1 ? "number" : "json";
    return { name, kind, hint: `${datatype} [${shape.join(", ")}]`, required: !optional, choices: [], initial: "" };
  });
}

function memberOf(name: string, schema: Schema, required: boolean): Member {
  const { description, title, default: byDefault, enum: choices } = schema;
  const [example] = Array.isArray(schema["examples"]) ? (schema["examples"] as unknown[]) : [];
  const given = byDefault ?? (required ? example : undefined);
  const hint = [typeof description === "string" ? description : typeof title === "string" ? title : "", rangeOf(schema)]
    .filter(Boolean)
    .join(" ");
  const all = Array.isArray(choices) ? choices.filter((choice) => typeof choice !== "object") : [];
  return {
    name,
    kind: kindOf(name, schema),
    hint,
    required,
    choices: all.map(String),
    initial: given === undefined ? "" : typeof given === "string" ? given : JSON.stringify(given),
  };
}

function kindOf(name: string, { type, enum: choices, format, contentMediaType, maxLength }: Schema): Member["kind"] {
  if (Array.isArray(choices)) return "choice";
  const types = Array.isArray(type) ? (type as unknown[]).filter((its) => its !== "null") : type === undefined ? ["string"] : [type];
  if (types.length !== 1) return "json";
  switch (types[0]) {
    case "boolean":
      return "yes";
    case "integer":
    case "number":
      return "number";
    case "string":
      if (typeof contentMediaType === "string" || (typeof format === "string" && FILE_FORMATS.has(format)) || FILE_NAME.test(name))
        return "file";
      return LONG_NAME.test(name) && (typeof maxLength !== "number" || maxLength > 100) ? "long" : "text";
    default:
      return "json";
  }
}

function rangeOf({ minimum, maximum }: Schema): string {
  if (typeof minimum === "number" && typeof maximum === "number") return `From ${minimum} to ${maximum}.`;
  if (typeof minimum === "number") return `At least ${minimum}.`;
  return typeof maximum === "number" ? `At most ${maximum}.` : "";
}

/** The input that the fields say. Throws a SyntaxError, with the field's name, for JSON that is none. */
export function inputFrom(members: readonly Member[], values: Readonly<Record<string, string>>): Record<string, unknown> {
  const entries = members.flatMap(({ name, kind }) => {
    const text = values[name] ?? "";
    if (text === "") return [];
    return [
      [name, kind === "number" ? Number(text) : kind === "yes" ? text === "true" : kind === "json" ? jsonIn(name, text) : text] as const,
    ];
  });
  return Object.fromEntries(entries);
}

function jsonIn(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new SyntaxError(`${name} is no JSON: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** What to begin with: the schema's own example, else what its fields are by default. */
export function exampleOf({ input_schema, inputs }: Pick<Model, "input_schema" | "inputs">): unknown {
  const examples = isObject(input_schema) ? input_schema["examples"] : undefined;
  if (Array.isArray(examples) && examples.length > 0) return examples[0];
  const members = membersOf({ input_schema, inputs });
  return members
    ? inputFrom(members, Object.fromEntries(members.map(({ name, initial, kind }) => [name, kind === "json" ? "" : initial])))
    : {};
}
