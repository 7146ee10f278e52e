/** Problems: where a fault is, in a pointer for programs and in words for people. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Problem, faultText, faultsText, pointer, problem } from "../../src/problem.ts";

describe("a pointer", () => {
  test.each([
    [[], "#"],
    [[0, "image_path"], "#/0/image_path"],
    [["retry", "max_attempts"], "#/retry/max_attempts"],
    // RFC 6901, section 6.
    [["foo", 0], "#/foo/0"],
    [[""], "#/"],
    [["a/b"], "#/a~1b"],
    [["c%d"], "#/c%25d"],
    [["e^f"], "#/e%5Ef"],
    [["i\\j"], "#/i%5Cj"],
    [['k"l'], "#/k%22l"],
    [[" "], "#/%20"],
    [["m~n"], "#/m~0n"],
    [["~1"], "#/~01"],
    [["/~"], "#/~1~0"],
  ] as const)("of %j is %s", (path, expected) => {
    expect(pointer(path)).toBe(expected);
  });

  test("is a URI fragment that leads back to the path, whatever the names", () => {
    const name = fc.oneof(fc.string(), fc.string({ unit: "grapheme" }), fc.constantFrom("a#b", "a?b", "~", "/", "%2F", "__proto__"));
    fc.assert(
      fc.property(fc.array(name, { maxLength: 4 }), (path) => {
        const text = pointer(path);
        // RFC 3986, 3.5: what a fragment may hold.
        expect(text).toMatch(/^#(?:[\w\-.~!$&'()*+,;=:@/?]|%[0-9A-F]{2})*$/);
        const back = text
          .slice(1)
          .split("/")
          .slice(1)
          .map((part) => decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~"));
        expect(back).toEqual(path);
      }),
    );
  });

  test("can be made of any name that JSON can hold, half a surrogate pair too", () => {
    expect(pointer(["metadata", "\ud800"])).toMatch(/^#\/metadata\/./);
    expect(pointer(["metadata", "\udc00x"])).toMatch(/^#\/metadata\/./);
  });
});

describe("a fault in words", () => {
  test.each([
    [[0, "image_path"], '"image_path" of item 0 must be text'],
    [[255], "Item 255 must be text"],
    [["priority"], '"priority" must be text'],
    [["retry", "max_attempts"], '"retry.max_attempts" must be text'],
    [[3, "tags", 2], '"tags.2" of item 3 must be text'],
    [[], "The body must be text"],
  ] as const)("names the place %j", (path, expected) => {
    expect(faultText({ path, detail: "must be text" })).toBe(expected);
  });

  test("has a capital at the beginning of the message alone", () => {
    const faults = [[], ["Item"], [], [7]].map((path) => ({ path, detail: "is wrong" }));
    expect(faultsText(faults)).toBe('The body is wrong; "Item" is wrong; the body is wrong; item 7 is wrong');
    expect(problem("invalid_input", { faults: faults.slice(1) }).detail).toBe('"Item" is wrong; the body is wrong; item 7 is wrong.');
  });
});

describe("a problem", () => {
  test("has the catalogue's status and title, and is complete in itself", () => {
    const thrown = problem("model_not_found");
    expect(thrown).toBeInstanceOf(Problem);
    expect(thrown).toBeInstanceOf(Error);
    expect(thrown).toMatchObject({
      code: "model_not_found",
      status: 404,
      title: "Model not found",
      detail: "Model not found.",
      faults: [],
    });
  });

  test("says each of its faults where nothing else is said", () => {
    const faults = [
      { path: [0, "image_path"], detail: "is missing" },
      { path: [2, "product_type"], detail: "must be a string, and is 5" },
    ];
    expect(problem("invalid_input", { faults })).toMatchObject({
      status: 422,
      detail: '"image_path" of item 0 is missing; "product_type" of item 2 must be a string, and is 5.',
      faults,
    });
    expect(problem("invalid_input", { faults, detail: "No." }).detail).toBe("No.");
  });

  test("may show another status, headers and members of its own", () => {
    const thrown = problem("inference_failed", { status: 409, headers: { "Retry-After": "1" }, members: { inference_status: "failed" } });
    expect(thrown).toMatchObject({ status: 409, headers: { "Retry-After": "1" }, members: { inference_status: "failed" } });
  });
});
