/** Signatures, as those who receive them check them: with their own unmodified libraries. */
import { createHmac, createPublicKey, getRandomValues, verify } from "node:crypto";
import * as fc from "fast-check";
import { Webhook as StandardWebhook, WebhookVerificationError } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { describe, expect, test } from "vitest";
import {
  type Message,
  type StandardHeaders,
  keySetOf,
  mintSecret,
  secretKey,
  signBaseten,
  signStandard,
  signingKeyOf,
} from "../../src/webhooks/signature.ts";

const random = (count: number) => getRandomValues(new Uint8Array(count));
const OLD = mintSecret(random(32));
const NEW = mintSecret(random(32));
const ID = "msg_0199b1f0-6d2a-7c3e-9a51-6f1b2c3d4e5f";

/** Libraries refuse what is not of the last five minutes. */
const now = () => Math.floor(Date.now() / 1000);
const message = (body: string): Message => ({ id: ID, timestamp: now(), body });
const anyBody = fc
  .dictionary(fc.string({ unit: "grapheme" }), fc.jsonValue())
  .map((data) => JSON.stringify({ type: "inference.succeeded", data }));

const LIBRARIES = [
  ["standardwebhooks", StandardWebhook],
  ["svix", SvixWebhook],
] as const;
type Library = (typeof LIBRARIES)[number][1];

/** Whether a library takes a delivery for genuine. What it throws but its own refusal is an error of the test. */
function accepts(Library: Library, secret: string, body: string | Buffer, headers: Readonly<Record<string, string>>): boolean {
  try {
    new Library(secret).verify(body, { ...headers });
    return true;
  } catch (error) {
    if (error instanceof WebhookVerificationError) return false;
    throw error;
  }
}

describe("Standard Webhooks", () => {
  test("the published vector", async () => {
    const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const vector = { id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: 1614265330, body: '{"test": 2432232314}' };
    expect(await signStandard(vector, [secret], null)).toEqual({
      "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
      "webhook-timestamp": "1614265330",
      "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    });
  });

  test("the list has the newest secret's signature first, then the older one's, then Ed25519", async () => {
    const sent = message("{}");
    const key = await signingKeyOf(random(32));
    const each = await Promise.all([signStandard(sent, [NEW], null), signStandard(sent, [OLD], null), signStandard(sent, [], key)]);
    const [newest, older, ed25519] = each.map((headers) => headers["webhook-signature"]);
    expect((await signStandard(sent, [NEW, OLD], key))["webhook-signature"]).toBe(`${newest} ${older} ${ed25519}`);
    expect([newest, older, ed25519].map((signature) => signature?.split(",")[0])).toEqual(["v1", "v1", "v1a"]);
  });

  test.each([
    ["an id with a dot", { ...message("{}"), id: "msg_1.2" }, [NEW]],
    ["an empty id", { ...message("{}"), id: "" }, [NEW]],
    ["an id that would break a header", { ...message("{}"), id: "msg\r\nx" }, [NEW]],
    ["a timestamp in parts of a second", { ...message("{}"), timestamp: 1614265330.5 }, [NEW]],
    ["a timestamp before 1970", { ...message("{}"), timestamp: -1 }, [NEW]],
    ["a secret in another form", message("{}"), [NEW, "secret"]],
    ["no secret at all", message("{}"), []],
  ])("%s is never signed", async (_, sent, secrets) => {
    await expect(signStandard(sent, secrets, null)).rejects.toThrow(RangeError);
  });
});

describe.each(LIBRARIES)("the %s library", (_, library) => {
  test("verifies whatever body, with either secret during a rotation, beside Ed25519", async () => {
    const key = await signingKeyOf(random(32));
    await fc.assert(
      fc.asyncProperty(anyBody, async (body) => {
        const headers = await signStandard(message(body), [NEW, OLD], key);
        expect([NEW, OLD].map((secret) => accepts(library, secret, body, headers))).toEqual([true, true]);
      }),
    );
  });

  test("verifies with the only secret, and not with one that is no longer signed with", async () => {
    const headers = await signStandard(message("{}"), [NEW], null);
    expect([NEW, OLD].map((secret) => accepts(library, secret, "{}", headers))).toEqual([true, false]);
  });

  test("verifies with secrets of any length that the standard allows", async () => {
    for (let length = 24; length <= 64; length++) {
      const secret = `whsec_${Buffer.from(random(length)).toString("base64")}`;
      const headers = await signStandard(message("{}"), [secret], null);
      expect({ length, accepted: accepts(library, secret, "{}", headers) }).toEqual({ length, accepted: true });
    }
  });

  test("refuses each single flipped bit of body, id and timestamp", async () => {
    const anyPart = fc.constantFrom("body", "webhook-id", "webhook-timestamp");
    await fc.assert(
      fc.asyncProperty(anyBody, anyPart, fc.nat(), fc.nat(7), async (body, part, place, bit) => {
        const headers = await signStandard(message(body), [NEW, OLD], null);
        const flipped = flip(part === "body" ? body : headers[part], place, bit);
        const sent = part === "body" ? flipped : body;
        const changed = part === "body" ? headers : { ...headers, [part]: flipped.toString("latin1") };
        expect([NEW, OLD].map((secret) => accepts(library, secret, sent, changed))).toEqual([false, false]);
      }),
      { numRuns: 500 },
    );
  });

  test("refuses each byte of one delivery changed, one after the other", async () => {
    const body = JSON.stringify({ type: "inference.succeeded", data: { id: ID, output: "naïve ☃ 💚" } });
    const headers = await signStandard(message(body), [NEW, OLD], null);
    const accepted: string[] = [];
    for (let place = 0; place < Buffer.byteLength(body); place++) {
      if (accepts(library, OLD, flip(body, place, 0), headers)) accepted.push(`body, byte ${place}`);
    }
    for (const name of ["webhook-id", "webhook-timestamp"] as const) {
      for (let place = 0; place < headers[name].length; place++) {
        const changed = { ...headers, [name]: flip(headers[name], place, 0).toString("latin1") };
        if (accepts(library, OLD, body, changed)) accepted.push(`${name}, byte ${place}`);
      }
    }
    expect(accepted).toEqual([]);
    expect(accepts(library, OLD, Buffer.from(body), headers)).toBe(true);
  });

  test("refuses a delivery whose timestamp is not of the last minutes", async () => {
    for (const [age, accepted] of [
      [200, true],
      [400, false],
      [-400, false],
    ] as const) {
      const headers = await signStandard({ ...message("{}"), timestamp: now() - age }, [NEW], null);
      expect({ age, accepted: accepts(library, NEW, "{}", headers) }).toEqual({ age, accepted });
    }
  });
});

/** The text's bytes with one bit of one byte changed. */
function flip(text: string, place: number, bit: number): Buffer {
  const bytes = Buffer.from(text);
  const index = place % bytes.length;
  bytes[index] = (bytes[index] ?? 0) ^ (1 << bit);
  return bytes;
}

describe("a secret", () => {
  test("is whsec_ and 32 bytes in base64, and stands for those bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        const secret = mintSecret(bytes);
        expect(secret).toBe(`whsec_${Buffer.from(bytes).toString("base64")}`);
        expect(secretKey(secret)).toEqual(bytes);
      }),
    );
  });

  test("is never made of fewer bytes", () => {
    expect(() => mintSecret(random(31))).toThrow(RangeError);
    expect(() => mintSecret(new Uint8Array())).toThrow(RangeError);
  });

  test.each([
    ["another prefix", `whsk_${Buffer.alloc(32).toString("base64")}`],
    ["no prefix", Buffer.alloc(32).toString("base64")],
    ["too few bytes", `whsec_${Buffer.alloc(23).toString("base64")}`],
    ["too many bytes", `whsec_${Buffer.alloc(65).toString("base64")}`],
    ["nothing after its prefix", "whsec_"],
    ["no base64", `whsec_${"*".repeat(44)}`],
    ["the other alphabet", `whsec_${Buffer.alloc(32, 0xff).toString("base64url")}=`],
    ["no padding", `whsec_${Buffer.alloc(32).toString("base64url")}`],
    ["white space in it", `whsec_ ${Buffer.alloc(32).toString("base64")}`],
    ["bits after its last byte", `whsec_${Buffer.alloc(32).toString("base64").replace("A=", "B=")}`],
  ])("with %s is none", (_, text) => {
    expect(secretKey(text)).toBeNull();
  });
});

describe("Ed25519", () => {
  /** RFC 8037, appendix A. */
  const SEED = Buffer.from("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A", "base64url");
  const PUBLIC = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";

  function verifies(
    headers: StandardHeaders,
    body: string,
    jwk: { readonly kty: string; readonly crv: string; readonly x: string },
  ): boolean {
    const signature = headers["webhook-signature"].split(" ").find((part) => part.startsWith("v1a,")) ?? expect.fail("no v1a");
    const text = Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`);
    return verify(null, text, createPublicKey({ key: { ...jwk }, format: "jwk" }), Buffer.from(signature.slice("v1a,".length), "base64"));
  }

  test("a key pair is the one of its seed, with the id of RFC 7638", async () => {
    const { publicKey } = await signingKeyOf(SEED);
    expect(publicKey).toEqual({
      kty: "OKP",
      crv: "Ed25519",
      x: PUBLIC,
      kid: "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
      use: "sig",
      alg: "EdDSA",
    });
  });

  test("signs as the published vector", async () => {
    const key = await signingKeyOf(SEED);
    const text = new TextEncoder().encode("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc");
    expect(Buffer.from(await key.sign(text)).toString("base64url")).toBe(
      "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
    );
  });

  test("a delivery verifies with the published key alone, and not with a byte of it changed", async () => {
    const key = await signingKeyOf(random(32));
    const other = await signingKeyOf(random(32));
    const published = JSON.stringify(keySetOf([key, other]));
    expect(published).not.toContain('"d"');
    await fc.assert(
      fc.asyncProperty(anyBody, fc.nat(), fc.nat(7), async (body, place, bit) => {
        const headers = await signStandard(message(body), [NEW], key);
        expect(verifies(headers, body, key.publicKey)).toBe(true);
        expect(verifies(headers, body, other.publicKey)).toBe(false);
        const flipped = flip(`${body}.${headers["webhook-timestamp"]}`, place, bit).toString("latin1");
        const [changed, timestamp] = [flipped.slice(0, flipped.lastIndexOf(".")), flipped.slice(flipped.lastIndexOf(".") + 1)];
        expect(verifies({ ...headers, "webhook-timestamp": timestamp }, changed, key.publicKey)).toBe(false);
      }),
    );
  });

  test("a key set holds each public key once, under an id of its own", async () => {
    const keys = await Promise.all([random(32), random(32)].map(signingKeyOf));
    const set = keySetOf(keys);
    expect(set).toEqual({ keys: keys.map(({ publicKey }) => publicKey) });
    expect(new Set(set.keys.map(({ kid }) => kid)).size).toBe(2);
    expect(keySetOf([])).toEqual({ keys: [] });
  });

  test("a seed has 32 bytes", async () => {
    await expect(signingKeyOf(random(31))).rejects.toThrow(RangeError);
    await expect(signingKeyOf(random(64))).rejects.toThrow(RangeError);
  });
});

describe("Baseten's signature", () => {
  test("the vector, under the secret's literal text", async () => {
    expect(await signBaseten('{"request_id":"r1"}', ["whsec_test"])).toBe(
      "v1=8a876e865f61abd42b963dbe530cfadaa6c3bfa7dee3994e5b881237527bd98f",
    );
  });

  test("is comma-joined during a rotation, newest first", async () => {
    await fc.assert(
      fc.asyncProperty(anyBody, fc.string({ unit: "grapheme", minLength: 1 }), fc.string({ minLength: 1 }), async (body, newest, older) => {
        const expected = [newest, older].map((secret) => `v1=${createHmac("sha256", secret).update(body).digest("hex")}`);
        expect(await signBaseten(body, [newest, older])).toBe(expected.join(","));
      }),
    );
  });

  test("is none where there is no secret", async () => {
    expect(await signBaseten("{}", [])).toBeNull();
  });
});
