/** Polls of what can't change any more: answered by the isolate alone, and as if they were not. */
import { describe, expect, test, vi } from "vitest";
import { expire, submitted } from "./support/inferences.ts";
import { as, object, operator } from "./support/requests.ts";
import { newModel, newTenant } from "./support/tenants.ts";
import { watched } from "./support/watched.ts";

/** A canceled inference of a new account: nothing changes it any more. */
async function canceled(key: Record<string, unknown> = {}) {
  const tenant = await newTenant(key);
  const id = await submitted(tenant.key, await newModel());
  expect((await as(tenant.key, "POST", `/v1/inferences/${id}/cancel`)).status).toBe(200);
  return { ...tenant, id };
}

/** Headers that tell one answer from another of the same. */
const CHANGING = /^(?:x-request-id|(?:x-)?ratelimit.*)$/;
const headersOf = (answer: Response) => [...answer.headers].filter(([name]) => !CHANGING.test(name));

describe("a final inference", () => {
  const WIRES = ["/v1/inferences/:id", "/inference/:id/status", "/v2/inference/requests/:id/status", "/async_request/:id"];

  test.each(WIRES)(
    "at %s is polled without asking anybody once it was seen and the key has a grant, with the same answer",
    async (path) => {
      const { key, id } = await canceled();
      const { asked, send } = watched();
      const url = path.replace(":id", id);
      const first = await send(key, url);
      expect(first.status).toBe(200);
      const answers = [];
      for (let poll = 0; poll < 40; poll++) answers.push(await send(key, url));
      asked.mockClear();
      const last = await send(key, url);
      expect(asked.mock.calls).toEqual([]);
      expect(last.status).toBe(200);
      expect(headersOf(last)).toEqual(headersOf(first));
      expect(await last.text()).toBe(await first.text());
      expect(last.headers.get("x-request-id")).not.toBe(first.headers.get("x-request-id"));
    },
  );

  test.each(WIRES)("at %s may be waited for, and a wait that can't be read is refused, whatever is kept", async (path) => {
    const { key, id } = await canceled();
    const { send } = watched();
    const url = path.replace(":id", id);
    const said = async (prefer: string) => {
      const answer = await send(key, url, { headers: { Prefer: prefer } });
      return [answer.status, answer.headers.get("preference-applied")];
    };
    const isKept = () => Promise.all(Array.from({ length: 20 }, () => send(key, url)));
    for (const keep of [async () => {}, isKept]) {
      await keep();
      expect([await said("wait=5"), await said("wait=abc"), await said("other")]).toEqual([
        [200, "wait=5"],
        [400, null],
        [200, null],
      ]);
    }
  });

  test("is not sent again to a client that has it", async () => {
    const { key, id } = await canceled();
    const { send } = watched();
    const first = await send(key, `/v1/inferences/${id}`);
    const headers = { "If-None-Match": String(first.headers.get("etag")) };
    for (let poll = 0; poll < 40; poll++) {
      const again = await send(key, `/v1/inferences/${id}`, { headers });
      expect([again.status, await again.text(), again.headers.get("content-type")]).toEqual([304, "", null]);
    }
    expect((await send(key, `/v1/inferences/${id}`, { headers: { "If-None-Match": '"other"' } })).status).toBe(200);
  });

  test("is answered without a body to HEAD", async () => {
    const { key, id } = await canceled();
    const { send } = watched();
    const first = await send(key, `/v1/inferences/${id}`);
    const head = await send(key, `/v1/inferences/${id}`, { method: "HEAD" });
    expect([head.status, head.headers.get("etag"), await head.text()]).toEqual([200, first.headers.get("etag"), ""]);
  });

  test("is another account's nowhere, whoever has seen it", async () => {
    const { key, id } = await canceled();
    const other = await newTenant();
    const { send } = watched();
    for (let poll = 0; poll < 20; poll++) await send(key, `/v1/inferences/${id}`);
    for (let poll = 0; poll < 20; poll++) expect((await send(other.key, `/v1/inferences/${id}`)).status).toBe(404);
  });

  test("is gone at once where it was deleted", async () => {
    const { key, id } = await canceled();
    const { send } = watched();
    for (let poll = 0; poll < 20; poll++) expect((await send(key, `/v1/inferences/${id}`)).status).toBe(200);
    expect((await send(key, `/v1/inferences/${id}`, { method: "DELETE" })).status).toBe(204);
    expect((await send(key, `/v1/inferences/${id}`)).status).toBe(404);
    expect((await send(key, `/inference/${id}/status`)).status).toBe(404);
  });

  test.each(["/v1/inferences/:id", "/inference/:id/status", "/v2/inference/requests/:id/status", "/async_request/:id"])(
    "at %s is refused in its dialect to a key that is over its limit",
    async (path) => {
      const { key, id } = await canceled({ limits: { read: 3 } });
      const { send } = watched();
      const url = path.replace(":id", id);
      const now = vi.spyOn(Date, "now").mockReturnValue(Date.now()); // else a slow machine has new permits meanwhile
      const answers = [];
      for (let poll = 0; poll < 8; poll++) answers.push(await send(key, url));
      const refused = answers.find(({ status }) => status === 429);
      if (!refused) expect.fail("none was refused");
      const direct = await as(key, "GET", url.replace(id, crypto.randomUUID()));
      now.mockRestore();
      expect(direct.status).toBe(429);
      expect(Object.keys(await object(refused))).toEqual(Object.keys(await object(direct)));
      expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
      expect(refused.headers.get("ratelimit")).toContain('"read";r=0');
    },
  );

  test("is not polled any more by a key that was revoked, at once where that was done", async () => {
    const { key, keyId, id } = await canceled();
    for (let poll = 0; poll < 40; poll++) expect((await as(key, "GET", `/v1/inferences/${id}`)).status).toBe(200);
    await operator("DELETE", `/keys/${keyId}`);
    expect((await as(key, "GET", `/v1/inferences/${id}`)).status).toBe(401);
  });
});

test("what still waits is asked for each time", async () => {
  const { key } = await newTenant();
  const id = await submitted(key, await newModel());
  const { asked, send } = watched();
  for (let poll = 0; poll < 40; poll++) await send(key, `/v1/inferences/${id}`);
  asked.mockClear();
  await send(key, `/v1/inferences/${id}`);
  expect(asked.mock.calls.flat()).toContain("prepare");
});

test("an expired inference, which may be redriven, is asked for each time", async () => {
  const { key } = await newTenant();
  const id = await submitted(key, await newModel());
  await expire(id);
  const { asked, send } = watched();
  for (let poll = 0; poll < 40; poll++) expect((await send(key, `/v1/inferences/${id}`)).status).toBe(200);
  asked.mockClear();
  await send(key, `/v1/inferences/${id}`);
  expect(asked.mock.calls.flat()).toContain("prepare");
});
