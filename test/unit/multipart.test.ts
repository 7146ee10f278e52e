/** A multipart body is taken apart into the same parts however it is cut into chunks. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MultipartReader, boundaryOf } from "../../src/content/multipart.ts";
import type { PartHead } from "../../src/content/part-head.ts";

interface Part extends PartHead {
  readonly text: string;
}

/** The parts of a body that comes in these chunks; bytes as Latin-1. */
async function read(boundary: string, chunks: readonly string[]): Promise<Part[]> {
  const parts: Part[] = [];
  let head: PartHead | null = null;
  let text = "";
  const reader = new MultipartReader(boundary, {
    begin: async (it) => {
      head = it;
      text = "";
    },
    data: async (chunk) => {
      text += Buffer.from(chunk).toString("latin1");
    },
    end: async () => {
      parts.push({ ...(head ?? expect.fail("an end without a beginning")), text });
      head = null;
    },
  });
  for (const chunk of chunks) await reader.write(new Uint8Array(Buffer.from(chunk, "latin1")));
  reader.end();
  return parts;
}

/** A text in pieces that end where the numbers say. */
function cut(text: string, places: readonly number[]): string[] {
  const ends = [...places.map((place) => place % (text.length + 1)), text.length].toSorted((a, b) => a - b);
  return ends.map((end, index) => text.slice(ends[index - 1] ?? 0, end));
}

const nasty = fc.array(fc.constantFrom("\r", "\n", "-", "\r\n", "--", "\r\n-", "\r\n--", "\r\n--b", "x", "\u00ff", "\u0000"), {
  maxLength: 30,
});

describe("a multipart body", () => {
  test("gives its parts, wherever it is cut and whatever is in them", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(nasty, { maxLength: 4 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        fc.boolean(),
        async (texts, places, preamble) => {
          const parts = texts.map((pieces) => pieces.join(""));
          fc.pre(parts.every((part) => !`\r\n${part}\r\n`.includes("\r\n--boundary")));
          const body =
            (preamble ? "ignore me\r\n" : "") +
            parts.map((part) => `--boundary \r\nContent-Type: a/b\r\n\r\n${part}\r\n`).join("") +
            "--boundary--\r\nignore me too";
          const expected = parts.map((text) => ({ contentType: "a/b", fileName: null, name: null, field: null, text }));
          expect(await read("boundary", cut(body, places))).toEqual(expected);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("says what its parts are called and what they are", async () => {
    const body = [
      "--b",
      'content-disposition: form-data; name="image"; filename="cat.png"',
      "Content-Type: image/png",
      "",
      "1",
      "--b",
      'Content-Disposition: form-data; name="score"',
      "",
      "2",
      "--b",
      "",
      "3",
      "--b--",
    ].join("\r\n");
    expect(await read("b", [body])).toEqual([
      { contentType: "image/png", fileName: "cat.png", name: "cat.png", field: "image", text: "1" },
      { contentType: "text/plain", fileName: null, name: "score", field: "score", text: "2" },
      { contentType: "text/plain", fileName: null, name: null, field: null, text: "3" },
    ]);
  });

  /** A body of one part with this head and text. */
  const onePart = (head: string, text = "hi") => `--b\r\n${head}\r\n\r\n${text}\r\n--b--\r\n`;
  const form = "Content-Disposition: form-data; ";

  test.each([
    ["without quotes", `${form}name=f; filename=a.png`, "a.png"],
    ["without quotes, and with a space", `${form}name=f; filename=a cat.png`, "a cat.png"],
    ["as text in UTF-8", `${form}name="f"; filename*=UTF-8''na%C3%AFve%20cat.png`, "na\u00efve cat.png"],
    ["in both forms", `${form}name="f"; filename="naive.png"; filename*=utf-8'en'na%C3%AFve.png`, "na\u00efve.png"],
    ["in both forms, the better one broken", `${form}filename*=UTF-8''%zz; filename="a.png"`, "a.png"],
    ["in Latin-1", `${form}filename*=ISO-8859-1''%A3.png`, "\u00a3.png"],
    ["in another encoding", `${form}filename*=windows-1252''%80.png`, "\u20ac.png"],
    ["in an encoding that nobody knows, and plain", `${form}filename*=x-none''a.png; filename=b.png`, "b.png"],
    ["as mail has it, in base64", `${form}filename="=?UTF-8?B?w6TDtsO8LnBuZw==?="`, "\u00e4\u00f6\u00fc.png"],
    ["as mail has it, quoted, in two words", `${form}filename="=?iso-8859-1?Q?=E4_b?= =?utf-8?q?=C3=B6?=.png"`, "\u00e4 b\u00f6.png"],
    ["that only looks like mail's", `${form}filename="=?UTF-8?B?***?=.png"`, "=?UTF-8?B?***?=.png"],
    ["in pieces", `Content-Disposition: attachment; filename*0*=UTF-8''na%C3; filename*1*=%AFve; filename*2=".png"`, "na\u00efve.png"],
    ["with escaped quotes", `${form}filename="a \\"b\\".png"`, 'a "b".png'],
    ["with quotes as browsers write them", `${form}filename="a %22b%22.png"`, 'a "b".png'],
    ["with a semicolon", `${form}filename="a;name=b.png"`, "a;name=b.png"],
    ["over folded lines", `Content-Disposition: form-data;\r\n name="f";\r\n\tfilename="a.png"\r\nContent-Type:\r\n a/b`, "a.png"],
    ["in capitals, with space around", `CONTENT-DISPOSITION:Attachment ; FileName = "a.png"`, "a.png"],
    ["in the type", `Content-Type: image/png; name="a.png"`, "a.png"],
  ])("takes a name %s", async (_what, head, name) => {
    expect(await read("b", [onePart(head)])).toMatchObject([{ name, text: "hi" }]);
  });

  test("has the type of a folded line", async () => {
    expect(await read("b", [onePart("Content-Type: image/png;\r\n name=a.png")])).toMatchObject([
      { contentType: "image/png; name=a.png", name: "a.png" },
    ]);
  });

  test.each([
    ["base64", "aGkg\r\nw6k=\r\n", "hi \u00c3\u00a9"],
    ["BASE64", "aGk", "hi"],
    ["base64 (RFC 2045)", "", ""],
    ["quoted-printable", "hi =C3=A9 =\r\nthere  \r\n=3d=\r\n", "hi \u00c3\u00a9 there\r\n="],
    ["quoted-printable", "a \t=  \nb", "a \tb"],
    ["quoted-printable", `a${" ".repeat(1_100)}b`, `a${" ".repeat(1_100)}b`],
    ["8bit", "=C3", "=C3"],
    ["binary", "aGk=", "aGk="],
    ["x-unheard-of", "aGk=", "aGk="],
  ])("is decoded whose Content-Transfer-Encoding is %s, wherever it is cut", async (encoding, text, decoded) => {
    const body = onePart(`Content-Transfer-Encoding: ${encoding}`, text);
    for (let at = 0; at <= body.length; at++) {
      expect(await read("b", [body.slice(0, at), body.slice(at)])).toMatchObject([{ text: decoded }]);
    }
    expect(await read("b", Array.from(body))).toMatchObject([{ text: decoded }]);
  });

  test.each([
    ["base64", "a"],
    ["base64", "aGk=aGk="],
    ["base64", "a\u00ffk="],
    ["quoted-printable", "=zz"],
    ["quoted-printable", "=3"],
  ])("is refused that is said to be %s and is %s", async (encoding, text) => {
    const body = onePart(`Content-Transfer-Encoding: ${encoding}`, text);
    await expect(read("b", [body])).rejects.toThrow(`is said to be ${encoding} and is not`);
    await expect(read("b", Array.from(body))).rejects.toThrow(`is said to be ${encoding} and is not`);
  });

  test("whose lines end in LF alone gives its parts, with every CR in them, wherever it is cut", async () => {
    const body =
      "ignore me\n--b\nContent-Disposition: form-data; name=a\n\none\r\ntwo\r\n--b \nContent-Type: a/b\n\n--bb\n\n--b\n\n\n--b--\n";
    const texts = ["one\r\ntwo\r", "--bb\n", ""];
    for (let at = 0; at <= body.length; at++) {
      expect((await read("b", [body.slice(0, at), body.slice(at)])).map(({ text }) => text)).toEqual(texts);
    }
  });

  test("keeps what only begins like its boundary: that of parts within a part", async () => {
    const within = "--b2\r\n\r\n1\r\n--b2--\r\n--b-\r\n";
    expect(await read("b", [onePart("Content-Type: multipart/mixed; boundary=b2", within)])).toMatchObject([{ text: within }]);
  });

  test.each([
    ["is empty", ""],
    ["ends in a part", "--b\r\n\r\nhalf"],
    ["ends in a head", "--b\r\nContent-Type: a/b"],
    ["ends in its last boundary", "--b\r\n\r\nwhole\r\n--b-"],
    ["has a head without an end", `--b\r\n${"x".repeat(10_000)}`],
    ["has parts without number", `${"--b\r\n\r\n\r\n".repeat(101)}--b--`],
  ])("that %s is refused", async (_what, body) => {
    await expect(read("b", [body])).rejects.toThrow(Error);
  });
});

test.each([
  ["multipart/mixed; boundary=abc", "abc"],
  ['multipart/form-data; charset=utf-8; boundary="a b:c"', "a b:c"],
  ["Multipart/Related; BOUNDARY=x; type=y", "x"],
  ["multipart/mixed", null],
  ["multipart/byteranges; boundary=x", null],
  ["text/plain; boundary=x", null],
])("the boundary of %s", (contentType, boundary) => {
  expect(boundaryOf(contentType)).toBe(boundary);
});
