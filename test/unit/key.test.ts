/** Keys: what is minted is recognised, and nothing else is. */
import { getRandomValues } from "node:crypto";
import { crc32 } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { KEY_PATTERN, accountOf, digestOf, mintKey, newAccountId, parseKey, sameText } from "../../src/keys/key.ts";
import { randomBase62 } from "../../src/ids.ts";

const OLD = "the-secret-that-is-being-retired-0000";
const NEW = "the-secret-that-takes-its-place-11111";
const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const CHECKSUM_LENGTH = 6;

const random = (count: number) => getRandomValues(new Uint8Array(count));

const mint = (secret = NEW, account = newAccountId(random)) => mintKey(account, secret, random);

/** Base62 with leading zeros, written down independently of the code under test. */
function base62(value: number, length: number): string {
  let text = "";
  for (let rest = value; rest > 0; rest = Math.floor(rest / 62)) text = BASE62.charAt(rest % 62) + text;
  return text.padStart(length, "0");
}

/** What an offline scanner computes. */
const checksum = (text: string) => base62(crc32(text), CHECKSUM_LENGTH);

describe("a minted key", () => {
  test("names its key and its account when it is parsed", async () => {
    const { key, keyId, accountId } = await mint();
    expect(await parseKey(key, [NEW])).toEqual({ keyId, accountId });
  });

  test("has an id that begins with its account's", async () => {
    const account = newAccountId(random);
    const { key, keyId, accountId } = await mint(NEW, account);
    expect(accountId).toBe(account);
    expect(keyId).toMatch(new RegExp(`^${account}[0-9A-Za-z]{6}$`));
    expect(accountOf(keyId)).toBe(account);
    expect(key.startsWith(`ck_${keyId}_`)).toBe(true);
  });

  test("is selected whole by a double click: letters, digits and underscores alone", async () => {
    for (let count = 0; count < 200; count++) {
      const { key } = await mint();
      expect(key).toMatch(/^\w+$/);
      expect(key).toMatch(KEY_PATTERN);
      expect(key).toHaveLength(62);
    }
  });

  test("ends in the CRC32 of all before it, so a scanner can check it offline", async () => {
    for (let count = 0; count < 200; count++) {
      const { key } = await mint();
      expect(key.slice(-CHECKSUM_LENGTH)).toBe(checksum(key.slice(0, -CHECKSUM_LENGTH)));
    }
  });

  test("never comes twice", async () => {
    const account = newAccountId(random);
    const keys = await Promise.all(Array.from({ length: 500 }, () => mint(NEW, account)));
    expect(new Set(keys.map(({ key }) => key)).size).toBe(500);
    expect(new Set(keys.map(({ keyId }) => keyId)).size).toBe(500);
  });
});

describe("while the secret is rotated", () => {
  test("keys of both secrets are accepted, whichever comes first", async () => {
    for (const secret of [OLD, NEW]) {
      const { key, keyId, accountId } = await mint(secret);
      expect(await parseKey(key, [NEW, OLD])).toEqual({ keyId, accountId });
      expect(await parseKey(key, [OLD, NEW])).toEqual({ keyId, accountId });
    }
  });

  test("a key of a secret that is no longer accepted is refused, although its form and checksum are right", async () => {
    const { key } = await mint(OLD);
    expect(await parseKey(key, [NEW])).toBeNull();
    expect(await parseKey(key, [])).toBeNull();
  });
});

describe("anything but a minted key is refused", () => {
  test("a key with any one character changed, to whatever else", async () => {
    const { key } = await mint();
    const character = fc.oneof(
      fc.constantFrom(...BASE62.split("")),
      fc.constantFrom("_", "-", ".", " ", "\n", "\0"),
      fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.nat(key.length - 1), character, async (index, other) => {
        fc.pre(other !== key[index]);
        expect(await parseKey(key.slice(0, index) + other + key.slice(index + 1), [NEW, OLD])).toBeNull();
      }),
      { numRuns: 2_000 },
    );
  });

  test("a key with one character more or less, or two neighbours swapped", async () => {
    const { key } = await mint();
    for (let index = 0; index < key.length; index++) {
      const [head, here, next, tail] = [key.slice(0, index), key.charAt(index), key.charAt(index + 1), key.slice(index + 2)];
      const mistyped = [
        head + next + tail,
        head + here + here + next + tail,
        ...(next && here !== next ? [head + next + here + tail] : []),
      ];
      for (const text of mistyped) expect({ text, identity: await parseKey(text, [NEW]) }).toEqual({ text, identity: null });
    }
    expect(await parseKey(`${key}\n`, [NEW])).toBeNull();
    expect(await parseKey(` ${key}`, [NEW])).toBeNull();
  });

  test("a forged key whose checksum was made right again", async () => {
    const { key } = await mint();
    for (let index = "ck_".length; index < key.length - CHECKSUM_LENGTH; index++) {
      if (key[index] === "_") continue;
      const other = key[index] === "A" ? "B" : "A";
      const forged = key.slice(0, index) + other + key.slice(index + 1, -CHECKSUM_LENGTH);
      const text = forged + checksum(forged);
      expect(text).toMatch(KEY_PATTERN);
      expect(await parseKey(text, [NEW, OLD])).toBeNull();
    }
  });

  test("any other text", async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.stringMatching(KEY_PATTERN)), async (text) => {
        expect(await parseKey(text, [NEW, OLD])).toBeNull();
      }),
    );
  });
});

describe("random base62", () => {
  test("takes each of the 62 characters equally often from bytes that are equally likely", () => {
    let next = 0;
    const eachByteInTurn = (count: number) => Uint8Array.from({ length: count }, () => next++ % 256);
    const counts = new Map<string, number>();
    for (const character of randomBase62(248, eachByteInTurn)) counts.set(character, (counts.get(character) ?? 0) + 1);
    expect([...counts.keys()].toSorted().join("")).toBe(BASE62);
    expect(new Set(counts.values())).toEqual(new Set([4]));
  });

  test("throws away the bytes that would favour some characters, and asks for more", () => {
    const answers = [Uint8Array.from([248, 249, 250, 251, 252, 253, 254, 255]), Uint8Array.from([255, 0, 247, 61, 62, 1, 2, 3])];
    expect(randomBase62(4, () => answers.shift() ?? expect.fail("asked too often"))).toBe("0zz0");
  });

  test("has the length that was asked for, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 200 }), (length) => {
        expect(randomBase62(length, random)).toMatch(new RegExp(`^[0-9A-Za-z]{${length}}$`));
      }),
    );
  });
});

describe("a digest", () => {
  test("is SHA-256 in lower-case hex", async () => {
    // FIPS 180-2, appendix B.1, and the empty text.
    expect(await digestOf("abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(await digestOf("")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  });

  test("compares equal to itself alone", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => {
        expect(sameText(a, a)).toBe(true);
        expect(sameText(a, b)).toBe(a === b);
      }),
    );
  });
});
