/** PURE. Where in a JSON text strings are files: the fields that are named, as a tree to walk down while the text comes. */

export interface FileField {
  /**
   * The names of members from the root on, joined by dots. Arrays on the way are passed through, however deep: "data.b64_json" is
   * in `{"data": [{"b64_json": "…"}]}`, and the value may be an array of strings.
   */
  readonly field: string;
  /** "base64": the string is base64, or a data URL with base64. "text": the string's own text, in UTF-8. */
  readonly encoding: "base64" | "text";
  /** Null: that of the data URL, else by the first bytes, else application/octet-stream; of a "text" it is plain text. */
  readonly contentType: string | null;
}

/** A place in the JSON that is on the way to a file, or of one. */
export interface Place {
  /** What a string here is. */
  file: FileHere | null;
  readonly members: { readonly name: string; readonly bytes: Uint8Array; readonly place: Place }[];
}

export interface FileHere extends FileField {
  readonly name: string;
}

export function placesOf(fields: readonly FileField[]): Place {
  const root: Place = { file: null, members: [] };
  for (const field of fields) {
    const names = field.field.split(".");
    let place = root;
    for (const name of names) {
      let member = place.members.find((known) => known.name === name);
      if (!member) {
        member = { name, bytes: new TextEncoder().encode(name), place: { file: null, members: [] } };
        place.members.push(member);
      }
      place = member.place;
    }
    place.file ??= { ...field, name: names.at(-1) ?? "" };
  }
  return root;
}

/** The longest name that leads anywhere, in bytes. */
export function longestOf({ members }: Place): number {
  return Math.max(0, ...members.map(({ bytes, place }) => Math.max(bytes.byteLength, longestOf(place))));
}
