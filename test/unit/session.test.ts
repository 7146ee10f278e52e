/** The console's session: who can make one, what it says, and when it is over. */
import { describe, expect, test } from "vitest";
import { type Holder, readSession, sessionFor, writeSession } from "../../src/keys/session.ts";
import { SESSION_LONGEST_SECONDS, SESSION_SECONDS } from "../../src/limits.ts";

const SECRETS = { keySecrets: ["a-secret-of-this-deployment-of-40-letters"], adminToken: "an-admin-token-of-40-letters" };
const KEY: Holder = { kind: "account", accountId: "A".repeat(12), keyId: `${"A".repeat(12)}${"k".repeat(6)}`, digest: "0".repeat(64) };
const OPERATOR: Holder = { kind: "operator", name: "jane@example.com" };
const NOW = Date.parse("2026-01-31T12:00:00Z");

const written = (holder: Holder) => writeSession(sessionFor(holder, NOW), SECRETS);

describe.each([
  ["an account", KEY],
  ["the operator", OPERATOR],
])("a session of %s", (_whose, holder) => {
  test("says whose it is, until its time is over", async () => {
    const text = await written(holder);
    const ends = NOW + SESSION_SECONDS * 1_000;
    expect(await readSession(text, SECRETS, ends - 1)).toEqual({ ...holder, begun: NOW / 1_000, ends: ends / 1_000 });
    expect(await readSession(text, SECRETS, ends)).toBeNull();
  });

  test("is renewed, but not for ever", () => {
    let session = sessionFor(holder, NOW);
    for (let at = NOW; at < NOW + 2 * SESSION_LONGEST_SECONDS * 1_000; at += 3_600_000) session = sessionFor(holder, at, session);
    expect(session.ends).toBe(NOW / 1_000 + SESSION_LONGEST_SECONDS);
  });

  test("counts under the secret before the present one, and under no other", async () => {
    const text = await written(holder);
    const rotated = { ...SECRETS, keySecrets: ["another-secret-of-40-letters", ...SECRETS.keySecrets] };
    expect(await readSession(text, rotated, NOW)).not.toBeNull();
    expect(await readSession(text, { ...SECRETS, keySecrets: ["another-secret-of-40-letters"] }, NOW)).toBeNull();
  });

  test("is none any more with a letter changed, wherever it is", async () => {
    const text = await written(holder);
    for (let at = 0; at < text.length - 1; at++) {
      const other = `${text.slice(0, at)}${text[at] === "A" ? "B" : "A"}${text.slice(at + 1)}`;
      expect(await readSession(other, SECRETS, NOW)).toBeNull();
    }
  });
});

test("the operator's session ends when the admin token is changed, an account's does not", async () => {
  const changed = { ...SECRETS, adminToken: "another-admin-token-of-40-letters" };
  expect(await readSession(await written(OPERATOR), changed, NOW)).toBeNull();
  expect(await readSession(await written(KEY), changed, NOW)).not.toBeNull();
});

test.each(["", ".", "a.b", "e30.", `e30.${"A".repeat(43)}`, `${"%".repeat(9)}.${"A".repeat(43)}`, `A.${"A".repeat(43)}`])(
  "%j is no session",
  async (text) => {
    expect(await readSession(text, SECRETS, NOW)).toBeNull();
  },
);
