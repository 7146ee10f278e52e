/** Spans on their way to the operator's collector: what is sent, and what becomes of a collector that does not take it. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { type SpanData, SpanExporter } from "../../src/platform/otlp.ts";
import { SOFTWARE_VERSION } from "../../src/platform/version.ts";
import { OTLP_SPANS_SENT, OTLP_SPANS_WAITING } from "../../src/limits.ts";
import own from "../../package.json" with { type: "json" };

const URL_ = "https://otel.example.com/v1/traces?token=hidden";
const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";

const span = (number: number, more: Partial<SpanData> = {}): SpanData => ({
  traceId: TRACE,
  spanId: number.toString(16).padStart(16, "0"),
  parentId: null,
  state: "",
  name: "queued",
  kind: "internal",
  startAt: 1_700_000_000_000,
  endAt: 1_700_000_000_250.4,
  attributes: {},
  error: null,
  ...more,
});

/** An exporter whose pauses take no time, what it has sent, and what the log says. */
function exporting(answer: (count: number) => Response | Promise<Response>) {
  const sent: { init: RequestInit; spans: Record<string, unknown>[]; resource: unknown }[] = [];
  const lines: string[] = [];
  vi.spyOn(console, "log").mockImplementation((line: string) => lines.push(line));
  const work: Promise<void>[] = [];
  const exporter = new SpanExporter(
    { url: URL_, headers: { "api-key": "secret" } },
    { "service.name": "claimcheck" },
    {
      async fetch(_, init) {
        const { resourceSpans } = JSON.parse(typeof init.body === "string" ? init.body : "{}") as {
          resourceSpans: { resource: unknown; scopeSpans: { spans: Record<string, unknown>[] }[] }[];
        };
        sent.push({ init, resource: resourceSpans[0]?.resource, spans: resourceSpans[0]?.scopeSpans[0]?.spans ?? [] });
        return answer(sent.length);
      },
      clock: { now: () => 0, sleep: async () => {}, timeout: () => new AbortController().signal },
      keep: (promise) => work.push(promise),
    },
  );
  const done = async () => {
    await Promise.all(work);
    return { sent, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>), text: lines.join("\n") };
  };
  return { exporter, done, work };
}

afterEach(() => vi.restoreAllMocks());

test("The version that we tell is that of the package", () => {
  expect(SOFTWARE_VERSION).toBe(own.version);
});

describe("spans", () => {
  test("go together, in the protocol's own JSON, with the headers that the collector wants", async () => {
    const { exporter, done, work } = exporting(() => Response.json({ partialSuccess: {} }));
    exporter.add(span(1, { state: "vendor=1", attributes: { text: "a", whole: 7, part: 0.5, yes: true, none: null } }));
    exporter.add(
      span(2, {
        parentId: "0000000000000001",
        kind: "client",
        events: [{ name: "first_byte", at: 1_700_000_000_100 }],
        links: [{ traceId: TRACE, spanId: "00000000000000ff", state: "" }],
        error: "backend_timeout",
      }),
    );
    const { sent, lines } = await done();
    expect([work.length, sent.length, lines]).toEqual([1, 1, []]);
    expect(sent[0]?.init).toMatchObject({
      method: "POST",
      redirect: "manual",
      headers: { "api-key": "secret", "Content-Type": "application/json" },
    });
    expect(sent[0]?.resource).toEqual({ attributes: [{ key: "service.name", value: { stringValue: "claimcheck" } }] });
    const times = { startTimeUnixNano: "1700000000000000000", endTimeUnixNano: "1700000000250000000", flags: 1 };
    expect(sent[0]?.spans).toEqual([
      {
        ...times,
        traceId: TRACE,
        spanId: "0000000000000001",
        traceState: "vendor=1",
        name: "queued",
        kind: 1,
        attributes: [
          { key: "text", value: { stringValue: "a" } },
          { key: "whole", value: { intValue: "7" } },
          { key: "part", value: { doubleValue: 0.5 } },
          { key: "yes", value: { boolValue: true } },
        ],
      },
      {
        ...times,
        traceId: TRACE,
        spanId: "0000000000000002",
        parentSpanId: "0000000000000001",
        name: "queued",
        kind: 3,
        attributes: [{ key: "error.type", value: { stringValue: "backend_timeout" } }],
        events: [{ timeUnixNano: "1700000000100000000", name: "first_byte" }],
        links: [{ traceId: TRACE, spanId: "00000000000000ff", flags: 1 }],
        status: { code: 2, message: "backend_timeout" },
      },
    ]);
  });

  test("that are too many for one request go in several, and beyond a bound are dropped and counted", async () => {
    const { exporter, done } = exporting(() => Response.json({}));
    for (let number = 1; number <= OTLP_SPANS_WAITING + 3; number++) exporter.add(span(number));
    const { sent, lines } = await done();
    expect(sent.map(({ spans }) => spans.length)).toEqual(
      Array.from({ length: OTLP_SPANS_WAITING / OTLP_SPANS_SENT }, () => OTLP_SPANS_SENT),
    );
    expect(lines).toMatchObject([{ event: "spans_dropped", spans: 3 }]);
    exporter.add(span(1));
    expect((await done()).sent.at(-1)?.spans).toHaveLength(1);
  });

  test.each<[string, (count: number) => Response | Promise<Response>, number, object[]]>([
    ["is full for a moment", (count) => (count === 1 ? new Response(null, { status: 503 }) : Response.json({})), 2, []],
    ["stays full", () => new Response(null, { status: 429 }), 2, [{ spans: 1, status: 429, why: "refused" }]],
    ["refuses them", () => new Response("bad", { status: 400 }), 1, [{ spans: 1, status: 400 }]],
    [
      "sends elsewhere",
      () => new Response(null, { status: 307, headers: { Location: "http://169.254.169.254/" } }),
      1,
      [{ status: 307, why: "redirects are not followed" }],
    ],
    ["can't be reached", () => Promise.reject(new TypeError(`no route to ${URL_}`)), 2, [{ spans: 1, status: null, why: "TypeError" }]],
    [
      "takes a part",
      () => Response.json({ partialSuccess: { rejectedSpans: "1", errorMessage: "too old" } }),
      1,
      [{ spans: 1, status: 200 }],
    ],
  ])("to a collector that %s hold up nothing, and the log has neither its address nor its secret", async (_, answer, times, logged) => {
    const { exporter, done } = exporting(answer);
    exporter.add(span(1));
    const { sent, lines, text } = await done();
    expect(sent).toHaveLength(times);
    expect(lines).toMatchObject(logged.map((line) => ({ event: "spans_not_taken", ...line })));
    expect(text).not.toMatch(/hidden|secret|example\.com/);
  });
});
