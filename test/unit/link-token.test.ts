/** A link is what the deployment's secret made of it, bit by bit, and nothing else. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Link, LINK_METHODS, readLink, refusalOf, signLink } from "../../src/files/link-token.ts";
import { PARTS_MAX } from "../../src/limits.ts";

const SECRET = "a-secret-for-tests-that-is-long-enough";
const OTHER = "another-secret-for-tests-long-enough";
const LINK: Link = {
  kind: "file",
  accountId: "0123456789ab",
  keyId: "0123456789abXYZxyz",
  id: "0190a5a0-0000-7000-8000-00000000abcd",
  methods: ["GET"],
  expiresAt: 1_800_000_000,
};

const anyKind = fc.oneof(
  fc.constantFrom<Pick<Link, "kind" | "part">>({ kind: "file" }, { kind: "result" }, { kind: "stream" }),
  fc.integer({ min: 0, max: PARTS_MAX - 1 }).map((part) => ({ kind: "result" as const, part })),
);

const link = fc
  .record({
    accountId: fc.stringMatching(/^[0-9A-Za-z]{12}$/),
    suffix: fc.option(fc.stringMatching(/^[0-9A-Za-z]{6}$/)),
    id: fc.uuid(),
    methods: fc.constantFrom<Link["methods"]>(["GET"], ["HEAD"], ["GET", "HEAD"]),
    expiresAt: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  })
  .chain(({ suffix, ...it }) => anyKind.map((kind): Link => ({ ...kind, ...it, keyId: suffix === null ? null : it.accountId + suffix })));

describe("a link", () => {
  test("says what was signed, whatever that is", async () => {
    await fc.assert(
      fc.asyncProperty(link, async (it) => {
        const token = await signLink(it, SECRET);
        expect(token).toMatch(/^[A-Za-z0-9_-]{100}$/);
        expect(await readLink(token, [SECRET])).toEqual(it);
      }),
    );
  });

  test("is none with any bit of its text flipped", async () => {
    const token = await signLink(LINK, SECRET);
    const flipped = Array.from(token).flatMap((character, at) =>
      Array.from({ length: 7 }, (_, bit) => {
        const other = String.fromCharCode(character.charCodeAt(0) ^ (1 << bit));
        return token.slice(0, at) + other + token.slice(at + 1);
      }),
    );
    expect(new Set(flipped).size).toBe(7 * token.length);
    const read = await Promise.all(flipped.map((text) => readLink(text, [SECRET, OTHER])));
    expect(read.filter((it) => it !== null)).toEqual([]);
  });

  test("is none with any bit of its bytes flipped, whatever it says", async () => {
    await fc.assert(
      fc.asyncProperty(link, fc.integer({ min: 0, max: 75 * 8 - 1 }), async (it, bit) => {
        const bytes = Buffer.from(await signLink(it, SECRET), "base64url");
        bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        expect(await readLink(bytes.toString("base64url"), [SECRET])).toBeNull();
      }),
      { numRuns: 500 },
    );
  });

  test("is none with the tag of another: another object, account, kind, time or method", async () => {
    const others: Link[] = [
      { ...LINK, id: "0190a5a0-0000-7000-8000-00000000abce" },
      { ...LINK, accountId: "0123456789ac", keyId: "0123456789acXYZxyz" },
      { ...LINK, keyId: "0123456789abXYZxya" },
      { ...LINK, keyId: null },
      { ...LINK, kind: "result" },
      { ...LINK, kind: "result", part: 0 },
      { ...LINK, expiresAt: LINK.expiresAt + 1 },
      { ...LINK, methods: ["GET", "HEAD"] },
    ];
    const tag = Buffer.from(await signLink(LINK, SECRET), "base64url").subarray(43);
    for (const other of others) {
      const said = Buffer.from(await signLink(other, SECRET), "base64url").subarray(0, 43);
      expect(await readLink(Buffer.concat([said, tag]).toString("base64url"), [SECRET])).toBeNull();
    }
  });

  test.each(["", "a", "x".repeat(99), "x".repeat(100), "x".repeat(101), `${"x".repeat(99)}=`, "/".repeat(100), "é".repeat(100)])(
    "is not %j",
    async (text) => {
      expect(await readLink(text, [SECRET])).toBeNull();
    },
  );

  test("is good under either of two secrets, and under none that has been rotated out", async () => {
    const token = await signLink(LINK, SECRET);
    expect(await readLink(token, [SECRET])).toEqual(LINK);
    expect(await readLink(token, [OTHER, SECRET])).toEqual(LINK);
    expect(await readLink(token, [OTHER])).toBeNull();
    expect(await readLink(token, [])).toBeNull();
  });

  test("is not tagged as an API key or anything else under the same secret is", async () => {
    const bytes = Buffer.from(await signLink(LINK, SECRET), "base64url");
    const key = await crypto.subtle.importKey("raw", Buffer.from(SECRET), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    const plain = Buffer.from(await crypto.subtle.sign("HMAC", key, bytes.subarray(0, 43)));
    expect(plain.equals(bytes.subarray(43))).toBe(false);
    expect(await readLink(Buffer.concat([bytes.subarray(0, 43), plain]).toString("base64url"), [SECRET])).toBeNull();
  });

  test("is not made for what has no id", async () => {
    await expect(signLink({ ...LINK, accountId: "short" }, SECRET)).rejects.toThrow("no id");
    await expect(signLink({ ...LINK, id: "nothing" }, SECRET)).rejects.toThrow("no id");
    await expect(signLink({ ...LINK, keyId: "0123456789ab" }, SECRET)).rejects.toThrow("no account");
    await expect(signLink({ ...LINK, keyId: "0123456789acXYZxyz" }, SECRET)).rejects.toThrow("no account");
  });
});

test("a link is good until its very second, for its methods and no other", () => {
  expect(refusalOf(LINK, "GET", LINK.expiresAt - 1)).toBeNull();
  expect(refusalOf(LINK, "GET", LINK.expiresAt)).toBe("expired");
  expect(refusalOf(LINK, "HEAD", 0)).toBeNull();
  expect(refusalOf({ ...LINK, methods: ["HEAD"] }, "GET", 0)).toBe("method");
  for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "get", ""]) {
    expect(refusalOf({ ...LINK, methods: LINK_METHODS }, method, 0)).toBe("method");
  }
});
