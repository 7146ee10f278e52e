/**
 * PURE. Where a text stops being JSON, in words of our own: the words of the engine differ from release to release, say some
 * places by their offset and others not at all, and quote the text at length. Read only once a text has turned out to be none.
 * Source: RFC 8259.
 */

const SPACE = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /(?:true|false|null)/y;
const ESCAPE = /\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4})/y;
/** What is shown of what stands there: a word, else a character. */
const SHOWN = /[\w.+-]{1,20}|[^]/uy;

/** What may come next. */
type Wanted = "value" | "value or end" | "name" | "name or end" | "colon" | "comma or end" | "nothing";

/** A phrase such as `at line 2, column 5 there must be a value, and there is "}"`; null if the text is JSON. */
export function jsonFault(text: string): string | null {
  const open: ("[" | "{")[] = [];
  let wanted: Wanted = "value";
  let at = 0;
  for (;;) {
    at = past(SPACE, text, at) ?? at;
    const character = text[at];
    if (character === undefined) return wanted === "nothing" ? null : `it ends where ${named(wanted, open)} must be`;
    const isEnd: boolean = open.length > 0 && wanted.endsWith("end") && character === closing(open);
    if (isEnd || (wanted === "comma or end" && character === ",")) {
      at++;
      if (isEnd) open.pop();
      wanted = isEnd ? afterValue(open) : open.at(-1) === "{" ? "name" : "value";
    } else if (wanted === "colon" && character === ":") {
      at++;
      wanted = "value";
    } else if (character === '"' && /^(?:name|value)/.test(wanted)) {
      const end = endOfString(text, at);
      if (typeof end === "string") return end;
      at = end;
      wanted = wanted.startsWith("name") ? "colon" : afterValue(open);
    } else if (wanted.startsWith("value") && (character === "[" || character === "{")) {
      at++;
      open.push(character);
      wanted = character === "[" ? "value or end" : "name or end";
    } else {
      const end = wanted.startsWith("value") ? (past(WORD, text, at) ?? past(NUMBER, text, at)) : null;
      if (end === null) return `${placeOf(text, at)} there must be ${named(wanted, open)}, and there is ${shown(text, at)}`;
      at = end;
      wanted = afterValue(open);
    }
  }
}

function afterValue(open: readonly string[]): Wanted {
  return open.length > 0 ? "comma or end" : "nothing";
}

function closing(open: readonly string[]): string {
  return open.at(-1) === "{" ? "}" : "]";
}

function named(wanted: Wanted, open: readonly string[]): string {
  switch (wanted) {
    case "value":
      return "a value";
    case "value or end":
      return 'a value or "]"';
    case "name":
      return "a name in double quotes";
    case "name or end":
      return 'a name in double quotes or "}"';
    case "colon":
      return 'a ":"';
    case "comma or end":
      return `a "," or "${closing(open)}"`;
    case "nothing":
      return "nothing more";
    default:
      return wanted satisfies never;
  }
}

/** Where the string that begins there ends, or what is wrong with it. */
function endOfString(text: string, start: number): number | string {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return at + 1;
    if (code < 0x20)
      return `${placeOf(text, at)} a string has a control character (U+${code.toString(16).toUpperCase().padStart(4, "0")}) that must be escaped`;
    if (code !== 0x5c) continue;
    const end = past(ESCAPE, text, at);
    if (end === null)
      return at + 1 < text.length ? `${placeOf(text, at)} a string has an escape that JSON does not know` : "it ends within a string";
    at = end - 1;
  }
  return "it ends within a string";
}

/** Where what the pattern finds just there ends; null if it finds nothing. */
function past(pattern: RegExp, text: string, at: number): number | null {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : null;
}

/** Columns count characters, from 1, as editors do. */
function placeOf(text: string, at: number): string {
  const before = text.slice(0, at).split(/\r\n|\n|\r/);
  return `at line ${before.length}, column ${Array.from(before.at(-1) ?? "").length + 1}`;
}

function shown(text: string, at: number): string {
  SHOWN.lastIndex = at;
  return JSON.stringify((SHOWN.exec(text)?.[0] ?? "").toWellFormed());
}
