/** The same submit as code: in our own API and in each vendor's that can carry its input, for curl, TypeScript and Python. */

export const LANGUAGES = ["curl", "TypeScript", "Python"] as const;
export type Language = (typeof LANGUAGES)[number];

export interface Call {
  readonly origin: string;
  readonly model: string;
  readonly version: string | null;
  /** What was asked of the model, if its wire said so. */
  readonly capability?: string | null;
  readonly input: unknown;
}

/** A request of a vendor's API. */
interface Wire {
  readonly name: string;
  readonly path: string;
  readonly header: readonly [name: string, before: string];
  readonly body: unknown;
}

/** The wires that can carry this input, our own first. */
export function wiresFor({ model, version, capability, input }: Call): readonly Wire[] {
  const name = encodeURIComponent(model);
  const isObject = typeof input === "object" && input !== null && !Array.isArray(input);
  const bearer = ["Authorization", "Bearer "] as const;
  const own = { name: "Claimcheck", path: "/v1/inferences", header: bearer, body: { model, ...(version ? { version } : {}), input } };
  const chat = isObject ? { ...(input as Readonly<Record<string, unknown>>) } : {}; // an object
  const openai = isObject && "messages" in input ? "chat/completions" : isObject && "prompt" in input ? "completions" : null;
  return [
    own,
    ...(openai ? [{ name: "OpenAI", path: `/v1/${openai}`, header: bearer, body: { ...chat, model } }] : []),
    ...(arePictures(input) ? [{ name: "Vody", path: `/inference/${name}`, header: ["x-vody-api-key", ""] as const, body: input }] : []),
    ...(isObject
      ? [
          {
            name: "Reka",
            path: `/v2/inference/${model}/${encodeURIComponent(capability ?? "run")}`,
            header: ["X-Api-Key", ""] as const,
            body: { input },
          },
          {
            name: "Replicate",
            path: "/replicate/v1/predictions",
            header: bearer,
            body: { version: version ? `${model}:${version}` : model, input },
          },
        ]
      : []),
    {
      name: "Baseten",
      path: `/baseten/${name}/${version ? `deployment/${encodeURIComponent(version)}` : "production"}/async_predict`,
      header: ["Authorization", "Api-Key "],
      body: { model_input: input },
    },
    ...(version ? [] : [{ name: "fal", path: `/fal/queue/${model}`, header: ["Authorization", "Key "] as const, body: input }]),
    {
      name: "RunPod",
      path: `/runpod/v2/${name}/${version ? `versions/${encodeURIComponent(version)}/` : ""}run`,
      header: bearer,
      body: { input },
    },
    ...(isObject && "inputs" in input
      ? [{ name: "Open Inference Protocol", path: `/v2/models/${name}/infer`, header: bearer, body: input }]
      : []),
  ];
}

/** All that Vody's wire carries. */
function arePictures(input: unknown): boolean {
  const isPicture = (item: unknown) => typeof item === "object" && item !== null && "image_path" in item && "product_type" in item;
  return Array.isArray(input) && input.length > 0 && input.every(isPicture);
}

export function snippet(call: Call, wire: Wire, language: Language): string {
  switch (language) {
    case "curl":
      return curl(call, wire);
    case "TypeScript":
      return typescript(call, wire);
    case "Python":
      return python(call, wire);
    default:
      return language satisfies never;
  }
}

function curl({ origin }: Call, { path, header: [name, before], body }: Wire): string {
  const text = JSON.stringify(body, null, 2).replaceAll("'", String.raw`'\''`);
  return `curl ${origin}${path} \\
  -H "${name}: ${before}$KEY" \\
  -H "Content-Type: application/json" \\
  -d '${text}'`;
}

function typescript(call: Call, wire: Wire): string {
  const { origin, model, version, input } = call;
  if (wire.name === "Claimcheck") {
    const options = version ? `, { version: ${JSON.stringify(version)} }` : "";
    return `import { Claimcheck } from "claimcheck/client";

const client = new Claimcheck({ url: ${JSON.stringify(origin)}, key: process.env.KEY });
const output = await client.run(${JSON.stringify(model)}, ${JSON.stringify(input, null, 2)}${options});`;
  }
  if (wire.name === "OpenAI") {
    return `import OpenAI from "openai";

const client = new OpenAI({ baseURL: ${JSON.stringify(`${origin}/v1`)}, apiKey: process.env.KEY });
const answer = await client.${wire.path.slice(4).replace("/", ".")}.create(${JSON.stringify(wire.body, null, 2)});`;
  }
  const [name, before] = wire.header;
  const value = before === "" ? "process.env.KEY" : `\`${before}\${process.env.KEY}\``;
  return `const answer = await fetch(${JSON.stringify(origin + wire.path)}, {
  method: "POST",
  headers: { ${JSON.stringify(name)}: ${value}, "Content-Type": "application/json" },
  body: JSON.stringify(${JSON.stringify(wire.body, null, 2)}),
});
console.log(await answer.json());`;
}

function python(call: Call, wire: Wire): string {
  const { origin, model, version, input } = call;
  if (wire.name === "Claimcheck") {
    const options = version ? `, version=${literal(version)}` : "";
    return `import os
from claimcheck import Claimcheck

client = Claimcheck(${literal(origin)}, key=os.environ["KEY"])
output = client.run(${literal(model)}, ${literal(input)}${options})`;
  }
  if (wire.name === "OpenAI") {
    return `import os
from openai import OpenAI

client = OpenAI(base_url=${literal(`${origin}/v1`)}, api_key=os.environ["KEY"])
answer = client.${wire.path.slice(4).replace("/", ".")}.create(**${literal(wire.body)})`;
  }
  const [name, before] = wire.header;
  return `import json, os, urllib.request

request = urllib.request.Request(
    ${literal(origin + wire.path)},
    data=json.dumps(${literal(wire.body)}).encode(),
    headers={${literal(name)}: ${literal(before)} + os.environ["KEY"], "Content-Type": "application/json"},
)
print(json.load(urllib.request.urlopen(request)))`;
}

/** A value as Python writes it. */
function literal(value: unknown, indent = ""): string {
  if (value === null || value === undefined) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const inner = `${indent}    `;
  const members = Array.isArray(value)
    ? value.map((each) => inner + literal(each, inner))
    : Object.entries(value).map(([name, each]) => `${inner}${JSON.stringify(name)}: ${literal(each, inner)}`);
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  return members.length === 0 ? open + close : `${open}\n${members.join(",\n")},\n${indent}${close}`;
}
