/** Files are taken out of a JSON text, and the JSON is otherwise as it was, however the text is written and cut into chunks. */
import * as fc from "fast-check";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { EmbeddedReader } from "../../src/content/embedded.ts";
import type { FileField } from "../../src/content/file-fields.ts";
import { Malformed } from "../../src/encoding/result.ts";
import { BrokenOff } from "../../src/encoding/streams.ts";
import { endingOf } from "../../src/content/content.ts";
import { sniff } from "../../src/content/sniff.ts";

interface Taken {
  readonly name: string;
  readonly contentType: string;
  /** Latin-1. */
  readonly bytes: string;
}

const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");
const utf8 = (text: string) => new Uint8Array(Buffer.from(text));
/** What stands for a file here says what is in it, so that it does not matter which came first. */
const addressOf = (bytes: string) => `file "${Buffer.from(bytes, "latin1").toString("base64")}"`;

/** What is taken out of a text that comes in these chunks, and what is left of it. */
async function take(fields: readonly FileField[], chunks: Iterable<Uint8Array>): Promise<{ files: Taken[]; json: string }> {
  const files: Taken[] = [];
  const json: Buffer[] = [];
  let head: { name: string; contentType: string } | null = null;
  let parts: Buffer[] = [];
  const reader = new EmbeddedReader(fields, {
    begin: async (it) => {
      expect(head).toBeNull();
      head = it;
      parts = [];
    },
    data: async (chunk) => {
      parts.push(Buffer.from(chunk));
      await Promise.resolve();
      expect(Buffer.from(chunk).equals(parts.at(-1) ?? Buffer.alloc(0))).toBe(true);
    },
    end: async () => {
      const bytes = latin1(Buffer.concat(parts));
      files.push({ ...(head ?? expect.fail("an end without a beginning")), bytes });
      head = null;
      return addressOf(bytes);
    },
    json: async (chunk) => {
      json.push(Buffer.from(chunk));
    },
  });
  for (const chunk of chunks) {
    const own = Uint8Array.from(chunk);
    await reader.write(own);
    own.fill(0); // it is no longer needed
  }
  await reader.end();
  return { files, json: Buffer.concat(json).toString() };
}

/** The text in pieces that end where the numbers say. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const ends = [...places.map((place) => place % (bytes.byteLength + 1)), bytes.byteLength].toSorted((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

function* inPieces(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield bytes.subarray(at, at + size);
}

const base64 = (field: string, contentType: string | null = null): FileField => ({ field, encoding: "base64", contentType });
const text = (field: string, contentType: string | null = null): FileField => ({ field, encoding: "text", contentType });

const once = (fields: readonly FileField[], body: string) => take(fields, [utf8(body)]);

/** A JSON value as it is to be written; an object is a list, so that a name may be there twice. */
type Tree =
  | { kind: "plain"; value: string | number | boolean | null }
  /** A string that is right wherever it stands: as base64, or as a text. */
  | { kind: "leaf"; base64: { string: string; bytes: string; type: string | null } | null; text: string }
  | { kind: "array"; items: Tree[] }
  | { kind: "object"; members: [string, Tree][] };

const FIELDS = [
  base64("image"),
  base64("data.image", "image/png"),
  text("data.ïm😀"),
  text("ïm😀.data"),
  text("ïm😀"),
  base64("image.image"),
  base64("data.data.image"),
  text("ïm😀.ïm😀.image", "text/html"),
  text("image", "not/this"),
];
const FILE_PLACES = new Map(FIELDS.toReversed().map((field) => [field.field, field]));

const inBase64 = fc
  .tuple(
    fc.uint8Array({ maxLength: 40 }),
    fc.constantFrom("base64", "base64url"),
    fc.boolean(),
    fc.option(fc.constantFrom("video/mp4", "a/b;c=d", "", "no type", `x/${"y".repeat(300)}`, "a/b\u0001")),
    fc.nat({ max: 10 }),
  )
  .map(([bytes, alphabet, padded, type, breaks]) => {
    const buffer = Buffer.from(bytes);
    let string = buffer.toString(alphabet === "base64" ? "base64" : "base64url");
    if (!padded) string = string.replaceAll("=", "");
    if (breaks > 0) string = string.replaceAll(new RegExp(`.{${breaks}}`, "g"), "$&\r\n");
    const ofUrl = type === "video/mp4" || type === "a/b;c=d" ? type : null;
    return { string: type === null ? string : `data:${type};base64,${string}`, bytes: latin1(buffer), type: ofUrl };
  });

const strings = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("leaf" as const),
      base64: inBase64,
      text: fc.oneof(
        fc.string({ unit: "binary" }),
        fc.string({ unit: fc.constantFrom("\ud83d", "\ude00", "\u{2070e}", "\u{10fffd}", "é", '"', "\\", "x") }),
      ),
    }),
  },
  fc.record({
    kind: fc.constant("leaf" as const),
    base64: fc.constant(null),
    text: fc.constantFrom("", "http://x/y", "https://😀", "HTTPS://x", "https://"),
  }),
);
const plain = fc.record({
  kind: fc.constant("plain" as const),
  value: fc.oneof(fc.integer(), fc.double({ noNaN: true }), fc.boolean(), fc.constant(null)),
});
/** Often on the way to a file, but not always. */
const names = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom("image", "data", "ïm😀") },
  fc.constantFrom("imag", "images", "__proto__", "", '"\\/\b\n'),
);
const { tree, nest } = fc.letrec<{ tree: Tree; nest: Tree }>((tie) => ({
  tree: fc.oneof({ maxDepth: 6 }, plain, { weight: 6, arbitrary: strings }, { weight: 6, arbitrary: tie("nest") }),
  nest: fc.oneof(fc.record({ kind: fc.constant("array" as const), items: fc.array(tie("tree"), { maxLength: 3 }) }), {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("object" as const),
      members: fc.array(fc.tuple(names, tie("tree")), { minLength: 1, maxLength: 4 }),
    }),
  }),
}));

/** The tree as a text; as it is to be afterwards; and the files in it. `choose` has the writer's whims, from 0 to n - 1. */
function write(root: Tree, choose: (n: number) => number): { body: string; left: string; files: Taken[] } {
  const files: Taken[] = [];
  let body = "";
  let left = "";
  const both = (it: string) => {
    body += it;
    left += it;
  };
  const space = () => both([" ", "\n\t", "\r", "", "", "", ""][choose(7)] ?? "");
  const unicode = (unit: string) => {
    const digits = unit.charCodeAt(0).toString(16).padStart(4, "0");
    return `\\u${choose(2) === 0 ? digits : digits.toUpperCase()}`;
  };
  const quoted = (string: string) => {
    let written = "";
    for (let at = 0; at < string.length; at++) {
      const unit = string.charAt(at);
      const pair = string.slice(at, at + 2);
      if (choose(6) === 0) written += unicode(unit);
      else if (/^[\ud800-\udbff][\udc00-\udfff]$/.test(pair)) {
        written += pair;
        at++;
      } else if (unit === "/" && choose(2) === 0) written += "\\/";
      else written += JSON.stringify(unit).slice(1, -1);
    }
    return `"${written}"`;
  };
  const writeTree = (node: Tree, path: readonly string[]) => {
    space();
    switch (node.kind) {
      case "plain":
        both(JSON.stringify(node.value));
        break;
      case "leaf": {
        const place = FILE_PLACES.get(path.join("."));
        if (!place || node.base64 === null) {
          both(quoted(place?.encoding === "base64" && node.base64 !== null ? node.base64.string : node.text));
          break;
        }
        const isText = place.encoding === "text";
        const string = isText ? node.text : node.base64.string;
        if (string === "") {
          both('""');
          break;
        }
        const bytes = isText ? Buffer.from(string).toString("latin1") : node.base64.bytes;
        const found = isText
          ? "text/plain;charset=utf-8"
          : (node.base64.type ?? sniff(Buffer.from(bytes, "latin1")) ?? "application/octet-stream");
        files.push({ name: path.at(-1) ?? "", contentType: place.contentType ?? found, bytes });
        body += quoted(string);
        left += JSON.stringify(addressOf(bytes));
        break;
      }
      case "array":
        both("[");
        for (const [index, item] of node.items.entries()) {
          if (index > 0) both(",");
          writeTree(item, path);
        }
        both("]");
        break;
      case "object":
        both("{");
        for (const [index, [name, value]] of node.members.entries()) {
          if (index > 0) both(",");
          space();
          both(quoted(name));
          space();
          both(":");
          writeTree(value, [...path, name]);
        }
        both("}");
        break;
      default:
        node satisfies never;
    }
    space();
  };
  writeTree(root, []);
  return { body, left, files };
}

/** The same by other means: the whole text parsed, and the strings replaced in it. */
function replaced(value: unknown, path: readonly string[] = []): unknown {
  if (Array.isArray(value)) return value.map((item) => replaced(item, path));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, replaced(member, [...path, name])]));
  }
  const place = FILE_PLACES.get(path.join("."));
  if (!place || typeof value !== "string" || value === "" || /^https?:\/\//i.test(value)) return value;
  const bytes = place.encoding === "text" ? Buffer.from(value) : Buffer.from(value.replace(/^data:.*,/is, ""), "base64");
  return addressOf(latin1(bytes));
}

describe("files in a JSON text", () => {
  test("are taken, and all else is as it was, however it is written and cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(tree, { weight: 9, arbitrary: nest }),
        fc.array(fc.nat(), { minLength: 1, maxLength: 50 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        async (root, whims, places) => {
          let whim = 0;
          const { body, left, files } = write(root, (n) => (whims[whim++ % whims.length] ?? 0) % n);
          const found = await take(FIELDS, cut(utf8(body), places));
          expect(found).toEqual({ files, json: left });
          expect(JSON.parse(found.json)).toEqual(replaced(JSON.parse(body)));
        },
      ),
      { numRuns: 3_000 },
    );
  });

  test("are the same wherever the text is cut", async () => {
    const body = utf8(
      String.raw`{"a":["\"image\":\"aaaa\"",-1.5e3,true],"im\u0061ge":"data:image\/png;base64,iVBO\u0052w0K\r\nGgo=","u":"é😀\\",` +
        String.raw`"image":"https:\/\/x/\u0022","data":[[{"\u00efm😀":"é\ud83d\ude00 \ud83d\"\ude00😀\ud83d","image":"_-8"}],` +
        String.raw`{"image":"http:\u002f\u002F"},{"image":"http"}],"image":[["dGFn"],null,"",{"image":"\u0064GFn"}]}`,
    );
    const whole = await take(FIELDS, [body]);
    expect(whole.files).toEqual([
      { name: "image", contentType: "image/png", bytes: "\x89PNG\r\n\x1a\n" },
      { name: "ïm😀", contentType: "text/plain;charset=utf-8", bytes: latin1(utf8('é😀 \ufffd"\ufffd😀\ufffd')) },
      { name: "image", contentType: "image/png", bytes: "\xff\xef" },
      { name: "image", contentType: "image/png", bytes: "\x86\xdb\x69" },
      { name: "image", contentType: "application/octet-stream", bytes: "tag" },
      { name: "image", contentType: "application/octet-stream", bytes: "tag" },
    ]);
    expect(JSON.parse(whole.json)).toEqual(replaced(JSON.parse(Buffer.from(body).toString())));
    for (let at = 0; at <= body.byteLength; at++) {
      expect(await take(FIELDS, [body.subarray(0, at), body.subarray(at)]), `cut at ${at}`).toEqual(whole);
    }
    for (const size of [1, 2, 3, 5, 7]) expect(await take(FIELDS, inPieces(body, size))).toEqual(whole);
  });

  test.each([
    ["in one run", (it: string) => it],
    ["in lines of 76", (it: string) => it.replaceAll(/.{76}/g, String.raw`$&\r\n`)],
    ["with escaped slashes", (it: string) => it.replaceAll("/", String.raw`\/`)],
    ["with escaped plus signs", (it: string) => it.replaceAll("+", String.raw`\u002B`)],
  ])("are whole where they are large: %s", async (_how, written) => {
    const bytes = Buffer.alloc(1_000_001);
    for (let at = 0, state = 1; at < bytes.byteLength; at++) {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      bytes[at] = state >> 16;
    }
    const file = latin1(bytes);
    const string = bytes.toString("base64");
    const body = utf8(`{"image":"${written(string)}","data":{"ïm😀":"${written(string)}"},"data2":"${string}"}`);
    for (const size of [body.byteLength, 65_536, 4_097]) {
      const { files, json } = await take(FIELDS, inPieces(body, size));
      expect(files.map((it) => it.bytes === file || it.bytes === JSON.parse(`"${written(string)}"`))).toEqual([true, true]);
      expect(
        json ===
          `{"image":${JSON.stringify(addressOf(file))},"data":{"ïm😀":${JSON.stringify(addressOf(files[1]?.bytes ?? ""))}},"data2":"${string}"}`,
      ).toBe(true);
    }
  });

  test("are whole where characters of several bytes meet the end of the buffer", async () => {
    const written = String.raw`\ud83d\ude00\ud83d\u0416`.repeat(20_000);
    for (let before = 0; before < 9; before++) {
      const { files } = await once([text("a")], `{"a":"${"x".repeat(before)}${written}"}`);
      expect(files[0]?.bytes === latin1(utf8("x".repeat(before) + "😀\ufffdЖ".repeat(20_000)))).toBe(true);
    }
  });
});

describe("a string is a file", () => {
  const body = '{"image":"dGFn","a":{"image":"dGFn","b":"dGFn"},"b":["dGFn",[["dGFn"]]],"a.b":"dGFn"}';

  test.each([
    ["at its place only", [base64("image")], ["image"]],
    ["below other members", [base64("a.b")], ["b"]],
    ["in arrays, however deep", [base64("b")], ["b", "b"]],
    ["at no place that a name has only in part", [base64("imag"), base64("images"), base64("b.image"), base64("image.b")], []],
    ["though its field is listed twice, or begins another", [base64("a"), base64("image"), base64("a.b"), text("image")], ["image", "b"]],
    ["where nothing is listed", [], []],
  ])("%s", async (_where, fields, expected) => {
    const { files } = await once(fields, body);
    expect(files.map(({ name }) => name)).toEqual(expected);
    expect(files.every(({ bytes }) => bytes === "tag")).toBe(true);
  });

  test("each time, where a name is there twice", async () => {
    expect((await once([base64("a")], '{"a":"dGFn","a":"dGFu"}')).files.map(({ bytes }) => bytes)).toEqual(["tag", "tan"]);
  });

  test("also where the root is an array, or where a mark of the byte order precedes it", async () => {
    const { files, json } = await once([base64("a")], '\ufeff[[{"a":"dGFn"}]]');
    expect(files).toHaveLength(1);
    expect(json).toBe(`\ufeff[[{"a":${JSON.stringify(addressOf("tag"))}}]]`);
  });

  test.each(['"dGFn"', "null", "17", " [] ", "", '{"a":null,"b":[1,{"a":{"c":"dGFn"}},"","http://x"]}'])(
    "or nothing is: %s",
    async (it) => {
      expect(await once([base64("a"), text("b")], it)).toEqual({ files: [], json: it });
    },
  );

  test("even where it is half of a surrogate pair", async () => {
    const files = [{ name: "a", contentType: "text/plain;charset=utf-8", bytes: "\xef\xbf\xbd" }];
    expect((await once([text("a")], String.raw`{"a":"\udc00"}`)).files).toEqual(files);
    expect((await once([text("a")], String.raw`{"a":"\ud800"}`)).files).toEqual(files);
  });

  test("even of no bytes", async () => {
    const files = [{ name: "a", contentType: "application/octet-stream", bytes: "" }];
    for (const empty of ["data:;base64,", String.raw`\n`]) expect((await once([base64("a")], `{"a":"${empty}"}`)).files).toEqual(files);
  });
});

describe("a file's content type", () => {
  const typeOf = async (field: FileField, string: string) =>
    (await once([field], JSON.stringify({ [field.field]: string }))).files[0]?.contentType ?? expect.fail("no file");
  const png = "iVBORw0KGgo=";

  test.each([
    ["the setting's, before all others", base64("a", "x/y"), `data:image/gif;base64,${png}`, "x/y"],
    ["the data URL's", base64("a"), `data:image/gif;base64,${png}`, "image/gif"],
    ["the data URL's, with its parameters", base64("a"), "DATA:text/plain;charset=utf-8;BASE64,QQ==", "text/plain;charset=utf-8"],
    ["that of the first bytes", base64("a"), png, "image/png"],
    ["that of the first bytes, where the data URL has none", base64("a"), `data:;base64,${png}`, "image/png"],
    ["that of the first bytes, where the data URL's is none", base64("a"), `data:image;base64,${png}`, "image/png"],
    ["that of the first bytes, where the data URL's would break a header", base64("a"), `data:a/b\r\nc:d;base64,${png}`, "image/png"],
    ["that of the first bytes, where the data URL's is too long", base64("a"), `data:a/${"b".repeat(254)};base64,${png}`, "image/png"],
    ["bytes, where nothing is known", base64("a"), "AAAA", "application/octet-stream"],
    ["text", text("a"), "%PDF-", "text/plain;charset=utf-8"],
    ["the setting's, of a text", text("a", "image/svg+xml"), "data:;base64,<svg/>", "image/svg+xml"],
  ])("is %s", async (_which, field, string, expected) => {
    expect(await typeOf(field, string)).toBe(expected);
  });

  test.each([
    ["image/png", "\x89PNG\r\n\x1a\n\0\0\0\rIHDR"],
    ["image/jpeg", "\xff\xd8\xff\xe0\0\x10JFIF"],
    ["image/gif", "GIF87a"],
    ["image/gif", "GIF89a"],
    ["image/webp", "RIFF\x24\0\0\0WEBPVP8 "],
    ["audio/wav", "RIFF\x24\0\0\0WAVEfmt "],
    ["image/avif", "\0\0\0\x1cftypavif\0\0\0\0"],
    ["image/avif", "\0\0\0\x1cftypmif1\0\0\0\0mif1avif"],
    ["image/heic", "\0\0\0\x18ftypheic\0\0\0\0"],
    ["image/heic", "\0\0\0\x18ftypmif1\0\0\0\0mif1heic"],
    ["image/heif", "\0\0\0\x14ftypmif1\0\0\0\0mif1avif"],
    ["video/quicktime", "\0\0\0\x14ftypqt  \0\0\x02\0"],
    ["audio/mp4", "\0\0\0\x20ftypM4A \0\0\x02\0"],
    ["video/mp4", "\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41"],
    ["video/webm", "\x1aE\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm"],
    ["video/matroska", "\x1aE\xdf\xa3\xa3B\x86\x81\x01B\x82\x88matroska"],
    ["audio/mpeg", "ID3\x04\0"],
    ["audio/mpeg", "\xff\xfb\x90\x64"],
    ["audio/mpeg", "\xff\xf3\x48\xc4"],
    ["audio/flac", "fLaC\0\0\0\x22"],
    ["audio/ogg", `OggS\0\x02${"\0".repeat(20)}\x01\x13OpusHead`],
    ["video/ogg", `OggS\0\x02${"\0".repeat(20)}\x01\x2a`.slice(0, 28).padEnd(28, "\0") + "\x80theora"],
    ["application/pdf", "%PDF-1.7"],
    ["application/zip", "PK\x03\x04\x14\0"],
    ["application/zip", "PK\x05\x06\0\0"],
    ["model/gltf-binary", "glTF\x02\0\0\0"],
    ["video/x-msvideo", "RIFF\x24\0\0\0AVI LIST"],
    ["image/tiff", "II*\0\x08\0\0\0"],
    ["image/tiff", "MM\0*\0\0\0\x08"],
    ["image/bmp", "BM\x3a\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"],
    ["image/jxl", "\xff\x0a\xfa\x1f"],
    ["image/jxl", "\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl "],
    ["audio/aac", "\xff\xf1\x50\x80"],
    ["audio/aac", "\xff\xf9\x4c\x80"],
    ["application/x-npy", "\x93NUMPY\x01\0v\0{'descr': '<f4'"],
    ["image/svg+xml", '<svg xmlns="http://www.w3.org/2000/svg"/>'],
    ["image/svg+xml", '\xef\xbb\xbf<?xml version="1.0"?>\n<!-- <html> -->\n<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "a">\n<svg>'],
    ["image/svg+xml", '<svg:svg xmlns:svg="http://www.w3.org/2000/svg"/>'],
    ["application/octet-stream", "<svgs/>"],
    ["application/octet-stream", "<html><svg></svg></html>"],
    ["application/octet-stream", "<!-- <svg> -->"],
    ["application/octet-stream", "BMW is a maker of cars"],
    ["application/octet-stream", "II*"],
    ["application/octet-stream", "\xff\xf1\x7c\x80"],
    ["application/octet-stream", "\xff\xfe<\0s\0v\0g\0"],
    ["application/octet-stream", "\xff\xfb\xf0\x64"],
    ["application/octet-stream", "PK"],
  ])("is %s by its first bytes", async (expected, bytes) => {
    expect(await typeOf(base64("a"), Buffer.from(bytes, "latin1").toString("base64"))).toBe(expected);
  });
});

test.each(["png", "jpeg", "gif", "webp", "avif", "tiff"] as const)(
  "a picture that an encoder has written as %s is known",
  async (format) => {
    const picture = sharp({ create: { width: 8, height: 8, channels: 3, background: "red" } });
    expect(sniff(await picture.toFormat(format).toBuffer())).toBe(`image/${format}`);
  },
);

test.each([
  ["image/avif", "avif"],
  ["image/heic", "heic"],
  ["image/tiff", "tiff"],
  ["image/bmp", "bmp"],
  ["image/jxl", "jxl"],
  ["audio/mp4", "m4a"],
  ["audio/aac", "aac"],
  ["video/matroska", "mkv"],
  ["video/x-msvideo", "avi"],
  ["application/x-npy", "npy"],
  ["constructor", "bin"],
])("the name of a file of the type %s ends in .%s", (contentType, ending) => {
  expect(endingOf(contentType)).toBe(ending);
});

describe("what can't be a file is refused", () => {
  test.each([
    ["a wrong character", "dGFn!", "is not base64"],
    ["a character that is not ASCII", "dGFné", "is not base64"],
    ["half of a surrogate pair", String.raw`dGFn\ud83d`, "is not base64"],
    ["a control character", String.raw`dGFn\u0000`, "is not base64"],
    ["an address of another kind", "ftp://x", "is not base64"],
    ["data after the padding", "dGE=dGFn", "is not base64"],
    ["too much padding", "dGE==", "is not base64"],
    ["padding of nothing", "dGFn=", "is not base64"],
    ["padding alone", "=", "is not base64"],
    ["half of the padding", "dA=", "is not base64: characters are missing at its end"],
    ["a single character", "d", "is not base64: characters are missing at its end"],
    ["one character too many", "dGFnd", "is not base64: characters are missing at its end"],
    ["a data URL with a wrong character", "data:a/b;base64,dGFn,", "is not base64"],
    ["a data URL of another encoding", "data:text/plain,abc", "is a data URL that is not base64"],
    ["a data URL without a comma", "data:a/b;base64", "is a data URL without a comma"],
    ["a data URL whose type does not end", `data:${"a".repeat(2_000)}`, "is a data URL whose type does not end"],
    ["an unknown escape", String.raw`dGFn\x`, "has an escape that JSON does not know"],
    ["an unknown escape at the very beginning", String.raw`\u00g0`, "has an escape that JSON does not know"],
  ])("%s", async (_what, string, message) => {
    const body = utf8(`{"data":[{"image":"${string}"}]}`);
    for (const size of [1, body.byteLength]) {
      await expect(take([base64("data.image")], inPieces(body, size))).rejects.toEqual(new Malformed(`field data.image ${message}`));
    }
  });

  test("an unknown escape in a text", async () => {
    await expect(once([text("a")], String.raw`{"a":"text \u12"}`)).rejects.toEqual(
      new Malformed("field a has an escape that JSON does not know"),
    );
  });

  test("JSON that is nested deeper than 256", async () => {
    const nested = (depth: number) => `${'{"a":['.repeat(depth / 2)}"dGFn"${"]}".repeat(depth / 2)}`;
    expect((await once([base64(Array(128).fill("a").join("."))], nested(256))).files).toHaveLength(1);
    await expect(once([base64("a")], nested(258))).rejects.toThrow(Malformed);
    await expect(once([], "[".repeat(1_000_000))).rejects.toThrow(Malformed);
  });

  test.each(["{", "[[]", '{"a', '{"a"', '{"a":"', '{"a":"data:', '{"a":"dGFn', '{"a":"http:', '{"a":"http://', '{"b":"x', String.raw`"\"`])(
    "JSON that breaks off: %s",
    async (body) => {
      await expect(once([base64("a")], body)).rejects.toThrow(BrokenOff);
    },
  );

  test("JSON that is none is passed on, or refused", async () => {
    const pieces = fc.constantFrom('"', "\\", "{", "}", "[", "]", ",", ":", '"a"', "dGFn", "\\u00", "data:", "http://", "\u0000", "é", " ");
    await fc.assert(
      fc.asyncProperty(fc.array(pieces, { maxLength: 40 }), fc.array(fc.nat(), { maxLength: 5 }), async (parts, places) => {
        const body = parts.join("");
        const outcome = (chunks: Uint8Array[]) => take([base64("a"), text("a.a")], chunks).catch((error: unknown) => String(error));
        const whole = await outcome([utf8(body)]);
        expect(await outcome(cut(utf8(body), places))).toEqual(whole);
        if (typeof whole === "object" && whole.files.length === 0) expect(whole.json).toBe(body);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("whatever does not end is not gathered", () => {
  const SIZE = 64 * 1_024;
  /** The buffer, and what one chunk leaves. */
  const MOST_KEPT = 3 * SIZE;

  test.each([
    ["a name", '{"', "x", 1],
    ["a name of escapes", '{"', String.raw`\u0061`, 1],
    ["a string that stays", '{"b":"', String.raw`x\"`, 1],
    ["an address", '{"a":"http://', "x", 1],
    ["base64", '{"a":"', "AAAA", 3 / 4],
    ["base64 of white space", '{"a":"', String.raw`\n`, 0],
    ["a text", '{"t":"', "abc", 1],
    ["a text of halves of surrogate pairs", '{"t":"', String.raw`\ud83d`, 1 / 2],
    ["members", "{", '"a":1,', 1],
  ])("%s", async (_what, beginning, unit, share) => {
    let handedOn = 0;
    let largest = 0;
    const count = async (chunk: Uint8Array) => {
      handedOn += chunk.byteLength;
      largest = Math.max(largest, chunk.byteLength);
    };
    const reader = new EmbeddedReader([base64("a"), text("t")], { begin: async () => {}, data: count, end: async () => "", json: count });
    await reader.write(utf8(beginning));
    const chunk = utf8(unit.repeat(Math.ceil(SIZE / unit.length)));
    for (let came = chunk.byteLength; came <= 10_000_000; came += chunk.byteLength) {
      await reader.write(chunk);
      expect(came * share - handedOn).toBeLessThan(MOST_KEPT);
    }
    expect(largest).toBeLessThanOrEqual(MOST_KEPT);
    await expect(reader.end()).rejects.toThrow("broke off");
  });
});
