/** How the TypeScript client reads streams of events, and what it does when something between holds them back. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { Claimcheck, type Inference } from "../../client/typescript/client.ts";
import { eventsIn } from "../../client/typescript/events.ts";
import { allOf } from "../support/client-cases.ts";

afterEach(() => void vi.useRealTimers());

/** A body of these pieces, which then ends, or stays open. */
function bodyOf(pieces: readonly string[], isOpen = false): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(new TextEncoder().encode(piece));
      if (!isOpen) controller.close();
    },
  });
}

const TEXT = 'retry: 500\n\n: nothing\n\nid: 1\nevent: status\ndata: {"a":\ndata: "ü"}\n\ndata:{"b":2}\n\nid: 3\nevent: fin';
const EVENTS = [
  { event: "status", id: "1", data: { a: "ü" } },
  { event: "message", id: null, data: { b: 2 } },
];

describe("events", () => {
  test.each(["\n", "\r\n"])(
    "are read wherever the stream is cut, with lines that end by %j; one that is not whole is none",
    async (end) => {
      const bytes = new TextEncoder().encode(TEXT.replaceAll("\n", end));
      for (let size = 1; size <= bytes.length; size++) {
        const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => bytes.slice(index * size, (index + 1) * size));
        const body = new ReadableStream<Uint8Array>({
          start(controller) {
            for (const piece of pieces) controller.enqueue(piece);
            controller.close();
          },
        });
        expect(await allOf(eventsIn(body))).toEqual(EVENTS);
      }
    },
  );

  test("may be gone on with after an id that comes before the first of them", async () => {
    const places: string[] = [];
    expect(
      await allOf(eventsIn(bodyOf(["id: 0.x.7\n\n", "event: status\ndata: {}\n\n"]), undefined, (id) => places.push(id))),
    ).toHaveLength(1);
    expect(places).toEqual(["0.x.7"]);
  });

  test("end by an error where a stream falls silent", async () => {
    vi.useFakeTimers();
    const seen = allOf(eventsIn(bodyOf([": hello\n\n"], true)));
    await Promise.all([expect(seen).rejects.toThrow("no event came for 45 s"), vi.advanceTimersByTimeAsync(45_000)]);
  });
});

test("a wait whose stream is held back asks for an answer that waits, and the next one does not try a stream again", async () => {
  vi.useFakeTimers();
  const asked: string[] = [];
  const inference = { id: "1", status: "queued", is_final: false } as Inference; // of which no more is looked at
  const client = new Claimcheck({
    url: "https://claimcheck.example",
    key: "ck_x",
    fetch: async (url, { headers }) => {
      asked.push(`${new URL(url).pathname} ${new Headers(headers).get("prefer") ?? ""}`.trim());
      return url.endsWith("/events")
        ? new Response(bodyOf([], true))
        : Response.json({ ...inference, status: "succeeded", is_final: true });
    },
  });
  const waiting = client.wait(inference);
  await vi.advanceTimersByTimeAsync(10_000);
  expect((await waiting).status).toBe("succeeded");
  await client.wait(inference);
  expect(asked).toEqual(["/v1/inferences/1/events", "/v1/inferences/1 wait=60", "/v1/inferences/1 wait=60"]);
});
