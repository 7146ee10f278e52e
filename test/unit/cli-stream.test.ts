/** `claimcheck stream`: the text of a stream, whatever wire it is of, over connections that are lost, until what ends it. */
import { expect, test } from "vitest";
import type { Api } from "../../cli/api.ts";
import type { Output } from "../../cli/print.ts";
import { stream } from "../../cli/stream.ts";
import { Claimcheck } from "../../client/typescript/client.ts";

const ID = "0192f3a0-0000-7000-8000-000000000000";

interface Printed {
  out: string;
  notes: string[];
  /** What each connection asked to be gone on after. */
  asked: (string | null)[];
}

/** Runs the command against a deployment that answers each connection with a text, and then cuts it. */
async function streamed(
  answers: readonly string[],
  { after, json = false, signal = new AbortController().signal }: { after?: string; json?: boolean; signal?: AbortSignal } = {},
): Promise<Printed & { error: unknown }> {
  const printed: Printed = { out: "", notes: [], asked: [] };
  const output: Output = {
    json,
    isTerminal: false,
    line: (text) => void (printed.out += `${text}\n`),
    write: (text) => void (printed.out += text),
    note: (text) => void printed.notes.push(text),
  };
  const client = new Claimcheck({
    url: "https://claimcheck.test",
    key: "ck_test",
    async fetch(_url, init) {
      const text = answers[printed.asked.length] ?? "";
      printed.asked.push(new Headers(init?.headers).get("last-event-id"));
      return new Response(text, { headers: { "Content-Type": "text/event-stream" } });
    },
  });
  const api = { client, output, signal } as Api; // of which the command uses no more
  const error = await stream(api, ID, after).then(
    () => null,
    (failure: unknown) => failure,
  );
  return { ...printed, error };
}

const event = (id: string, data: unknown, name = "") =>
  `${name === "" ? "" : `event: ${name}\n`}id: ${id}\ndata: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
const chat = (id: string, content: string) => event(id, { choices: [{ index: 0, delta: { content } }] });
const final = (inference: object) => event("1.9.end", { inference_id: ID, inference: { id: ID, error: null, ...inference } }, "final");

test("prints the text once though its connection is lost, and goes on after the last event that it has", async () => {
  const { out, asked, error } = await streamed([
    `retry: 1000\n\n${chat("1.1", "Hel")}${chat("1.2", "lo\n")}`,
    `:\n${event("1.3", { choices: [{ text: "wor" }] })}${event("1.4", { text_output: "ld" })}${event("1.4.end", "[DONE]")}`,
  ]);
  expect({ out, asked, error }).toEqual({ out: "Hello\nworld\n", asked: [null, "1.2"], error: null });
});

test("begins after an event, and says where another attempt begins again", async () => {
  const restart = `event: restart\ndata: {"inference_id": "${ID}", "attempt": 2}\n\n`;
  const { out, notes, asked } = await streamed(
    [`${chat("1.3", "lost")}${restart}${chat("2.1", "found")}${final({ status: "succeeded" })}`],
    {
      after: "1.2",
    },
  );
  expect({ out, asked }).toEqual({ out: "lost\nfound\n", asked: ["1.2"] });
  expect(notes).toEqual(["Attempt 2 begins the output again; what came before is void."]);
});

test("prints the whole output of a backend that did not stream", async () => {
  expect((await streamed([final({ status: "succeeded", output: { colors: [] } })])).out).toBe('{\n  "colors": []\n}\n');
});

test.each([
  [
    "an inference that failed",
    final({ status: "failed", error: { code: "model_failed", message: "It broke." } }),
    `${ID} is failed: model_failed: It broke.`,
  ],
  ["an error of OpenAI's", event("1.2.end", { error: { message: "It broke.", type: "server_error" } }), `${ID}: It broke.`],
  ["an error of a text server's", event("1.2.end", { error: "It broke." }), `${ID}: It broke.`],
])("fails with %s, after what came of it", async (_what, last, message) => {
  const { out, error } = await streamed([chat("1.1", "Hel") + last]);
  expect(out).toBe("Hel\n");
  expect(error).toMatchObject({ message, exitCode: 1 });
});

test("prints each event as JSON for programs, with its id", async () => {
  const { out } = await streamed([chat("1.1", "Hi") + final({ status: "succeeded" })], { json: true });
  const events = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { event: string; id: string });
  expect(events.map(({ event: name, id }) => [name, id])).toEqual([
    ["message", "1.1"],
    ["final", "1.9.end"],
  ]);
});

test("says how to go on when it is interrupted", async () => {
  const { error } = await streamed([""], { after: "1.2", signal: AbortSignal.abort() });
  expect(error).toMatchObject({ message: expect.stringContaining(`claimcheck stream ${ID} --after 1.2`), exitCode: 130 });
});
