/**
 * Who we are to a backend, and how its credential is kept from going further: servers say back what they were sent, in errors,
 * in debug output and in echoes, whole or encoded. What is told on is searched for it in every form in which it is
 * likely to come: as it is, percent-encoded, escaped for JSON or HTML, in hexadecimal, and in base64 wherever it begins.
 */
import { type Content, essenceOf, isJson } from "../content/content.ts";
import { toBase64 } from "../encoding/base64.ts";
import { hexOf } from "../encoding/hex.ts";
import { CONCEAL_CHARACTERS } from "../limits.ts";
import type { Credential } from "./store.ts";

/** How we say who we are to a backend, and how what it says back is kept from telling it on. */
export interface Identity {
  readonly headers: Readonly<Record<string, string>>;
  /** A text of the backend's without our secret, in whatever form it was sent. */
  readonly conceal: (text: string) => string;
}

export const NOBODY: Identity = { headers: {}, conceal: (text) => text };

const INSTEAD = "[secret]";
/** A secret that is shorter is searched for as it is alone: encoded, it could be anything. */
const ENCODED_CHARACTERS = 6;

/** Who we are to this backend, or null if the deployment lacks the secret that its credential names. */
export function identityFor(backend: { readonly credential: Credential | null }, secret: (name: string) => string | null): Identity | null {
  const { credential } = backend;
  if (!credential) return NOBODY;
  const clear = secret(credential.secret);
  if (clear === null || clear === "") return null;
  switch (credential.kind) {
    case "bearer":
      return { headers: { Authorization: `Bearer ${clear}` }, conceal: concealing([clear]) };
    case "basic": {
      const password = clear.slice(clear.indexOf(":") + 1);
      const secrets = password.length < ENCODED_CHARACTERS ? [clear] : [clear, password];
      return { headers: { Authorization: `Basic ${toBase64(new TextEncoder().encode(clear))}` }, conceal: concealing(secrets) };
    }
    case "header":
      return { headers: { [credential.header]: clear }, conceal: concealing([clear]) };
    default:
      return credential satisfies never;
  }
}

/** An output without our secret, if it is a text that is held in memory. */
export function withoutSecret<T extends Content>(output: T, identity: Identity): T {
  const { body, contentType } = output;
  if (identity === NOBODY) return output;
  if (typeof body === "string") return { ...output, body: identity.conceal(body) };
  const isText = isJson(contentType) || essenceOf(contentType).startsWith("text/");
  if (!isText || body.byteLength > CONCEAL_CHARACTERS) return output;
  const text = new TextDecoder().decode(body);
  const concealed = identity.conceal(text);
  return concealed === text ? output : { ...output, body: new TextEncoder().encode(concealed) };
}

function concealing(secrets: readonly string[]): Identity["conceal"] {
  const forms = new RegExp(secrets.flatMap(formsOf).join("|"), "g");
  return (text) => (text.length > CONCEAL_CHARACTERS ? text : text.replaceAll(forms, INSTEAD));
}

/** Patterns of all forms of a secret, the longest first where one begins another. */
function formsOf(secret: string): string[] {
  const bytes = new TextEncoder().encode(secret);
  const whole = literal(toBase64(bytes));
  if (secret.length < ENCODED_CHARACTERS) return [whole, literal(secret)];
  const hex = hexOf(bytes);
  return [
    whole,
    ...base64Within(bytes).flatMap((part) => [literal(part), literal(urlSafe(part))]),
    literal(hex),
    literal(hex.toUpperCase()),
    spelled(secret),
  ];
}

/** Each character as itself or as one of the escapes that texts have for it. */
function spelled(secret: string): string {
  return Array.from(secret)
    .map((character) => {
      const percent = [...new TextEncoder().encode(character)].map((byte) => `%${anyCase(byte.toString(16).padStart(2, "0"))}`).join("");
      const code = character.codePointAt(0) ?? 0;
      const escaped = code <= 0xffff ? `\\\\u${anyCase(code.toString(16).padStart(4, "0"))}` : null;
      const named = NAMED[character];
      return `(?:${[
        literal(character),
        percent,
        ...(escaped === null ? [] : [escaped]),
        `&#0*${code};`,
        `&#[xX]0*${anyCase(code.toString(16))};`,
        ...(named ?? []),
      ].join("|")})`;
    })
    .join("");
}

const NAMED: Readonly<Record<string, readonly string[]>> = {
  " ": ["\\+"],
  "&": ["&amp;"],
  "<": ["&lt;"],
  ">": ["&gt;"],
  '"': ["&quot;", '\\\\"'],
  "'": ["&apos;"],
  "\\": ["\\\\\\\\"],
  "/": ["\\\\/"],
};

function anyCase(hex: string): string {
  return hex.replaceAll(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
}

/** The characters of base64 that the bytes make alone, whatever stands before and after them: one text for each way to begin. */
function base64Within(bytes: Uint8Array): string[] {
  return [0, 1, 2].map((before) => {
    const padded = new Uint8Array(before + bytes.length);
    padded.set(bytes, before);
    const text = toBase64(padded);
    return text.slice(Math.ceil((before * 8) / 6), Math.floor((padded.length * 8) / 6));
  });
}

function urlSafe(base64: string): string {
  return base64.replaceAll("+", "-").replaceAll("/", "_");
}

function literal(text: string): string {
  return text.replaceAll(/[$()*+./?[\\\]^{|}-]/g, String.raw`\$&`);
}
