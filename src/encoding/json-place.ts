/** PURE. Where something is in a value that JSON can hold. */

/** The path of the first string that passes; empty if it is the value itself, null if there is none. Names of members are not looked at. */
export function placeOfString(value: unknown, passes: (text: string) => boolean): (string | number)[] | null {
  if (typeof value === "string") return passes(value) ? [] : null;
  if (typeof value !== "object" || value === null) return null;
  const members: Iterable<[string | number, unknown]> = Array.isArray(value) ? value.entries() : Object.entries(value);
  for (const [name, member] of members) {
    const place = placeOfString(member, passes);
    if (place) return [name, ...place];
  }
  return null;
}
