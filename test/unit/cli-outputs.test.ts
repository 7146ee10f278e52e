/** What the command line calls the outputs that it saves: none may overwrite another. */
import { describe, expect, test } from "vitest";
import { type Source, outputFileOf, outputNamesOf, partFilesOf } from "../../cli/outputs.ts";

const namesOf = (...sources: readonly (string | Source)[]) =>
  outputNamesOf(sources.map((source) => (typeof source === "string" ? { file: source } : source)));

describe("an output is called", () => {
  test("as its input, without the ending", () => {
    expect(namesOf("pictures/mug.jpg", "pictures/sofa.jpg")).toEqual(["mug", "sofa"]);
  });

  test("by its line, where the input is one of several lines", () => {
    const lines = [1, 2, 10].map((line) => ({ file: "in/inputs.jsonl", line }));
    expect(namesOf(...lines)).toEqual(["inputs-1", "inputs-2", "inputs-10"]);
    expect(namesOf({ file: "a/b.jsonl", line: 1 }, { file: "c/b.jsonl", line: 1 })).toEqual(["a_b.jsonl-1", "c_b.jsonl-1"]);
  });

  test("with the ending where only that tells it from another", () => {
    expect(namesOf("mug.jpg", "mug.png", "sofa.png")).toEqual(["mug.jpg", "mug.png", "sofa"]);
  });

  test("with its folder where only that does", () => {
    expect(namesOf("a/mug.jpg", "b/mug.jpg")).toEqual(["a_mug.jpg", "b_mug.jpg"]);
  });

  test("otherwise than another, also where capitals make no difference and where all that tells them apart can't be in a name", () => {
    expect(namesOf("Mug.jpg", "mug.png")).toEqual(["Mug.jpg", "mug.png"]);
    expect(new Set(namesOf("a/?.jpg", "a/*.jpg", "a/_.jpg", "a_/.jpg")).size).toBe(4);
    expect(new Set(namesOf("mug.jpg", "mug.png", "x/mug.jpg.json", "mug", "mug"))).toHaveProperty("size", 5);
  });

  test("by letters of any script, however their marks are written", () => {
    expect(namesOf("हिन्दी.jpg", "cafe\u0301.jpg")).toEqual(["हिन्दी", "caf\u00e9"]);
    expect(namesOf("caf\u00e9.jpg", "cafe\u0301.jpg").map((name) => name.normalize())).toEqual(["caf\u00e9.jpg", "caf\u00e9.jpg-2"]);
    expect(namesOf("茶碗.jpg", "カップ.jpg", "größe 1.jpg")).toEqual(["茶碗", "カップ", "größe_1"]);
  });

  test("in a way that Windows takes, which has devices of some names", () => {
    expect(namesOf("con.jpg", "Lpt1.tar.gz", "x/NUL", "common.jpg", "com10.jpg", "COM².jpg", "auxiliary.png")).toEqual([
      "_con",
      "_Lpt1.tar",
      "_NUL",
      "common",
      "com10",
      "_COM²",
      "auxiliary",
    ]);
    expect(namesOf("con.jpg", "_con.jpg")).toEqual(["_con.jpg", "_con.jpg-2"]);
    expect(partFilesOf("a", ["log."])).toEqual(["a+log_"]);
  });

  test("so that there is room for an ending and a part's name, where its own name is long", () => {
    const folder = "deep/".repeat(80);
    const names = namesOf(`${folder}a/mug.jpg`, `${folder}b/mug.jpg`, `${"茶".repeat(80)}.jpg`);
    expect(names.map((name) => name.slice(-9))).toEqual(["a_mug.jpg", "b_mug.jpg", "茶".repeat(9)]);
    for (const name of names) {
      for (const file of partFilesOf(name, ["p".repeat(100), "p".repeat(100)])) expect(Buffer.byteLength(file)).toBeLessThanOrEqual(255);
    }
  });
});

test("no part beside an output is called like the file of another inference, or like another part", () => {
  const [photo = "", mask = ""] = namesOf("photo.jpg", "photo.mask.jpg");
  const files = [
    outputFileOf(photo, "json"),
    ...partFilesOf(photo, ["mask.png", "json", "a.png", "A.png", "2-a.png"]),
    outputFileOf(mask, "png"),
    ...partFilesOf(mask, ["mask.png"]),
  ];
  expect(files.slice(0, 2)).toEqual(["photo.json", "photo+mask.png"]);
  expect(new Set(files.map((file) => file.toLowerCase())).size).toBe(files.length);
});
