/** A multipart body is taken apart into the same parts however it is cut into chunks. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MultipartReader, type PartHead, boundaryOf } from "../../src/content/multipart.ts";

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
          const expected = parts.map((text) => ({ contentType: "a/b", disposition: "", name: null, text }));
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
      { contentType: "image/png", disposition: 'form-data; name="image"; filename="cat.png"', name: "cat.png", text: "1" },
      { contentType: "text/plain", disposition: 'form-data; name="score"', name: "score", text: "2" },
      { contentType: "text/plain", disposition: "", name: null, text: "3" },
    ]);
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
