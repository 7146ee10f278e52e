/** An input or an output, shown as what it is: a picture, a film, a sound, tensors, JSON, text, or bytes to download. */
import { useState } from "preact/hooks";
import { ask } from "../api.ts";
import { JsonTree } from "./json.tsx";
import { Palette, palettesIn } from "./palette.tsx";
import { Failed, Loading } from "./states.tsx";
import { Tensors, tensorsIn } from "./tensors.tsx";
import { bytes } from "./time.tsx";
import { useLoad } from "./use.ts";

/** What is read into the page; more is for a download. */
const READ_BYTES = 2 * 1024 * 1024;
/** Pictures that every browser draws and that can hold no script. */
const PICTURE = /^image\/(?:png|jpeg|gif|webp|avif|bmp)$/;

type Content =
  | { readonly is: "picture" | "film" | "sound" | "bytes" }
  | { readonly is: "json"; readonly value: unknown; readonly text: string }
  | { readonly is: "text"; readonly text: string };
type Shown = Content & { readonly type: string; readonly size: number };

async function read(path: string, signal: AbortSignal): Promise<Shown> {
  const head = await ask(path, { method: "HEAD", signal });
  const [type = ""] = (head.headers.get("content-type") ?? "").toLowerCase().split(";");
  const size = Number(head.headers.get("content-length") ?? 0);
  const its = { type, size };
  if (PICTURE.test(type)) return { ...its, is: "picture" };
  if (type.startsWith("video/")) return { ...its, is: "film" };
  if (type.startsWith("audio/")) return { ...its, is: "sound" };
  const isJson = /^application\/(?:[\w.-]+\+)?json$/.test(type);
  if ((!isJson && !type.startsWith("text/")) || size > READ_BYTES) return { ...its, is: "bytes" };
  const text = await (await ask(path, { signal })).text();
  if (!isJson) return { ...its, is: "text", text, size: text.length };
  return { ...its, is: "json", value: JSON.parse(text) as unknown, text, size: size || text.length };
}

export function Payload({ path, what, version }: { readonly path: string; readonly what: string; readonly version: string }) {
  const { data, error, reload } = useLoad((signal) => read(path, signal), [path, version]);
  if (error !== null) return <Failed error={error} retry={reload} />;
  if (!data) return <Loading what={`Loading the ${what}`} />;
  return (
    <div class="payload">
      <div class="spread">
        <p class="muted">
          {data.type}
          {data.size > 0 && `, ${bytes(data.size)}`}
        </p>
        <a href={path} download>
          Download
        </a>
      </div>
      <Drawn data={data} path={path} what={what} />
    </div>
  );
}

function Drawn({ data, path, what }: { readonly data: Shown; readonly path: string; readonly what: string }) {
  switch (data.is) {
    case "picture":
      return <img class="picture" src={path} alt={`The ${what}`} />;
    case "film":
      return <video class="picture" src={path} controls aria-label={`The ${what}`} />;
    case "sound":
      return <audio src={path} controls aria-label={`The ${what}`} />;
    case "text":
      return (
        <pre class="text" tabIndex={0}>
          {data.text}
        </pre>
      );
    case "json":
      return <Json value={data.value} text={data.text} what={what} />;
    case "bytes":
      return <p class="muted">It is not shown here.</p>;
    default:
      return data satisfies never;
  }
}

interface Completion {
  readonly choices?: readonly { readonly message?: { readonly content?: unknown }; readonly text?: unknown }[];
  readonly text_output?: unknown;
}

/** What a model wrote, of the answer to a chat, a completion or generated text; null of any other value. */
function textOf(value: unknown): string | null {
  if (typeof value !== "object" || value === null) return null;
  const { choices, text_output } = value as Completion; // or of another form, in which it has none of them
  const [first] = Array.isArray(choices) ? (choices as NonNullable<Completion["choices"]>) : [];
  const text = first?.message?.content ?? first?.text ?? text_output;
  return typeof text === "string" && text !== "" ? text : null;
}

function Json({ value, text, what }: { readonly value: unknown; readonly text: string; readonly what: string }) {
  const [raw, setRaw] = useState(false);
  const tensors = tensorsIn(value);
  const said = textOf(value);
  return (
    <>
      {said !== null && (
        <pre class="text" tabIndex={0} role="region" aria-label="What the model wrote">
          {said}
        </pre>
      )}
      {tensors && <Tensors tensors={tensors} />}
      {palettesIn(value).map((colours, index) => (
        <Palette key={index} colours={colours} />
      ))}
      {raw ? (
        <pre class="text" tabIndex={0}>
          {text}
        </pre>
      ) : (
        <JsonTree value={value} label={`The ${what}`} />
      )}
      <button type="button" class="quiet" aria-pressed={raw} onClick={() => setRaw(!raw)}>
        {raw ? "As a tree" : "As text"}
      </button>
    </>
  );
}
