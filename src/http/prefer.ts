/** `Prefer` (RFC 7240), read in one pass: a header is as long as its client likes. */

/** Preferences beyond are not read; unknown ones are ignored anyway. */
const PREFER_CHARACTERS = 1_024;

/** `Prefer: respond-async` (RFC 7240, 4.1), whatever else is preferred. */
export function prefersAsync(headers: Headers): boolean {
  return preferencesIn((headers.get("prefer") ?? "").slice(0, PREFER_CHARACTERS)).some((it) => /^respond-async\s*(?:[;=]|$)/i.test(it));
}

/** The text between commas; a comma in a quoted value separates nothing. */
function preferencesIn(text: string): string[] {
  const preferences: string[] = [];
  let begin = 0;
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (isQuoted && character === "\\") at++;
    else if (character === '"') isQuoted = !isQuoted;
    else if (character === "," && !isQuoted) {
      preferences.push(text.slice(begin, at).trim());
      begin = at + 1;
    }
  }
  return [...preferences, text.slice(begin).trim()];
}
