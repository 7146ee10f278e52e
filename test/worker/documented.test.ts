/** That an answer which is not as its route says is noticed by every test that gets one. */
import { expect, test } from "vitest";
import { ORIGIN } from "./support/requests.ts";
import { asDocumented } from "./support/documented.ts";

const STATUS_URL = `${ORIGIN}/inference/5f0c9f6e-8f0b-4c8f-9d55-0c8f4a4ad000/status`;
const REFUSAL = { error: "Not Found", message: "There is no such inference.", code: 404 };

const answered = (status: number, body: unknown, headers = {}) =>
  asDocumented({ method: "GET", url: STATUS_URL }, Response.json(body, { status, headers }));

test("a refusal in the form of its wire is as documented", async () => {
  expect((await answered(404, REFUSAL)).status).toBe(404);
});

test.each<[string, number, unknown, object?]>([
  ["a member that no schema has", 404, { ...REFUSAL, hint: "look elsewhere" }],
  ["a member of another type", 404, { ...REFUSAL, code: "404" }],
  ["a missing member", 200, { id: "5f0c9f6e-8f0b-4c8f-9d55-0c8f4a4ad000" }],
  ["a status that the route does not name", 201, {}],
  ["a missing header", 200, { id: "5f0c9f6e-8f0b-4c8f-9d55-0c8f4a4ad000", status: "completed" }],
  ["another type than JSON", 404, REFUSAL, { "Content-Type": "text/html" }],
])("an answer with %s is not as documented", async (_what, status, body, headers) => {
  await expect(answered(status, body, headers)).rejects.toThrow(
    `GET /inference/5f0c9f6e-8f0b-4c8f-9d55-0c8f4a4ad000/status answers ${status}`,
  );
});
