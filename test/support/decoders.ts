/**
 * How published clients read a stream of OpenAI's API, as far as it can go wrong: by the rules of their decoders, in
 * words of our own. Each gives the values that its caller sees, and the error that it raises where it does.
 */

export interface Decoded {
  readonly values: readonly unknown[];
  readonly error: string | null;
}

type Decoder = (text: string) => Decoded;

interface Event {
  readonly type: string;
  readonly data: string;
}

/** What a caller sees of the events up to the first that can't be read. */
function valuesOf(events: Iterable<Event>, see: (event: Event) => { value: unknown } | "done" | "skip"): Decoded {
  const values: unknown[] = [];
  try {
    for (const event of events) {
      const seen = see(event);
      if (seen === "done") break;
      if (seen !== "skip") values.push(seen.value);
    }
  } catch (error) {
    return { values, error: error instanceof Error ? error.message : String(error) };
  }
  return { values, error: null };
}

function field(line: string): [name: string, value: string] {
  const colon = line.indexOf(":");
  if (colon === -1) return [line, ""];
  return [line.slice(0, colon), line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1)];
}

/**
 * openai-go: every blank line ends an event, with data or without until a release of 2026, which skips those without.
 * Lines end in LF. Any member `error` is an error, even null. An event of another name is wrapped.
 */
function go(skipsEmpty: boolean): Decoder {
  function* events(text: string): Generator<Event> {
    let [type, data] = ["", ""];
    const lines = text.split("\n");
    lines.pop(); // what no LF ends is no line
    for (const raw of lines) {
      const line = raw.replace(/\r$/, "");
      if (line !== "") {
        const [name, value] = field(line);
        if (name === "event") type = value;
        if (name === "data") data += `${value}\n`;
        continue;
      }
      if (data !== "" || !skipsEmpty) yield { type, data };
      [type, data] = ["", ""];
    }
  }
  return (text) =>
    valuesOf(events(text), ({ type, data }) => {
      if (data.startsWith("[DONE]")) return "done";
      const value: unknown = JSON.parse(data);
      if (typeof value === "object" && value !== null && "error" in value)
        throw new Error(`received error: ${JSON.stringify(value.error)}`);
      return { value: type === "" ? value : { event: type, data: value } };
    });
}

/** openai-python: a blank line ends an event once anything was said, an id ever included. */
function python(text: string): Decoded {
  function* events(): Generator<Event> {
    let [type, id, retries] = ["", "", false];
    let data: string[] = [];
    const lines = text.split(/\r\n|\n|\r/);
    lines.pop();
    for (const line of lines) {
      if (line === "") {
        if (type !== "" || data.length > 0 || id !== "" || retries) yield { type, data: data.join("\n") };
        [type, data, retries] = ["", [], false];
        continue;
      }
      const [name, value] = field(line);
      if (name === "event") type = value;
      if (name === "data") data.push(value);
      if (name === "id") id = value;
      if (name === "retry") retries = true;
    }
  }
  return valuesOf(events(), ({ data }) => {
    if (data.startsWith("[DONE]")) return "done";
    const value: unknown = JSON.parse(data);
    const error = typeof value === "object" && value !== null && "error" in value ? value.error : null;
    const isError = typeof error === "object" && error !== null ? Object.keys(error).length > 0 : Boolean(error);
    if (isError) throw new Error(JSON.stringify(error));
    return { value };
  });
}

/** openai-node: a blank line ends an event that has a name or data. An `error` that is true in JavaScript is an error, {} too. */
function node(text: string): Decoded {
  return valuesOf(standard(text, true), ({ data }) => {
    if (data.startsWith("[DONE]")) return "done";
    const value: unknown = JSON.parse(data);
    if (typeof value === "object" && value !== null && "error" in value && value.error) throw new Error(JSON.stringify(value.error));
    return { value };
  });
}

/** An EventSource that listens to messages: events of other names pass it by, and what is no event is none. */
function eventSource(text: string): Decoded {
  return valuesOf(standard(text, false), ({ type, data }) => {
    if (type !== "" && type !== "message") return "skip";
    if (data === "[DONE]") return "done";
    const value: unknown = JSON.parse(data);
    if (typeof value === "object" && value !== null && "error" in value) throw new Error(JSON.stringify(value.error));
    return { value };
  });
}

/** huggingface_hub: each line of data is an event, and lines end wherever Python's `str.splitlines` ends them, as far as JSON can hold what ends one. */
function huggingFace(text: string): Decoded {
  function* events(): Generator<Event> {
    for (const line of text.split(/\r\n|[\n\r\u0085\u2028\u2029]/))
      if (line.startsWith("data:")) yield { type: "", data: line.replace(/^[data:]+/, "").trim() };
  }
  return valuesOf(events(), ({ data }) => {
    if (data === "[DONE]") return "done";
    const value: unknown = JSON.parse(data);
    const error = typeof value === "object" && value !== null && "error" in value ? value.error : null;
    if (error !== null) throw new Error(JSON.stringify(error));
    return { value };
  });
}

function* standard(text: string, takesNameAlone: boolean): Generator<Event> {
  let type = "";
  let data: string[] = [];
  const lines = text.replace(/^\ufeff/, "").split(/\r\n|\n|\r/);
  lines.pop();
  for (const line of lines) {
    if (line === "") {
      if (data.length > 0 || (takesNameAlone && type !== "")) yield { type, data: data.join("\n") };
      [type, data] = ["", []];
      continue;
    }
    const [name, value] = field(line);
    if (name === "event") type = value;
    if (name === "data") data.push(value);
  }
}

export const DECODERS: Readonly<Record<string, Decoder>> = {
  "openai-go of before 2026": go(false),
  "openai-go of today": go(true),
  "openai-python": python,
  "openai-node": node,
  huggingface_hub: huggingFace,
  "an EventSource": eventSource,
};
