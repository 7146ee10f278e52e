/**
 * Spans to the operator's own collector, as OTLP/HTTP in JSON (OpenTelemetry Protocol 1.x). Best effort: what is done for them is done after
 * answers, they wait in memory for a moment to go together, and what is too much, or is not taken within its time, is dropped and
 * counted in the log. Neither the collector's address nor the headers that it wants are ever in the log: they may be secrets.
 */
import { OTLP_GATHER_MS, OTLP_SPANS_SENT, OTLP_SPANS_WAITING, OTLP_STUCK_MS, OTLP_TIMEOUT_MS, OTLP_TRIES } from "../limits.ts";
import { log } from "./log.ts";

/** `SpanKind` of the protocol. */
const SPAN_KIND = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const;

export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly state: string;
}

export type Attributes = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** Times in ms. */
export interface SpanData {
  readonly traceId: string;
  readonly spanId: string;
  /** Null of the first of its trace, or of its part of it. */
  readonly parentId: string | null;
  readonly state: string;
  readonly name: string;
  readonly kind: keyof typeof SPAN_KIND;
  readonly startAt: number;
  readonly endAt: number;
  /** Those that are null or undefined are left out. */
  readonly attributes: Attributes;
  readonly events?: readonly { readonly name: string; readonly at: number }[];
  readonly links?: readonly SpanLink[];
  /** Why it failed, for programs; null if it did not. */
  readonly error: string | null;
}

export interface SpanSink {
  add(span: SpanData): void;
}

/** Where spans go. */
export interface Collector {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface Outside {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly clock: { now(): number; sleep(ms: number): Promise<void>; timeout(ms: number): AbortSignal };
  /** Keeps work going after an answer: `waitUntil`. */
  readonly keep: (work: Promise<void>) => void;
}

/** Spans of this isolate, on their way. */
export class SpanExporter implements SpanSink {
  readonly #collector: Collector;
  readonly #resource: Attributes;
  readonly #outside: Outside;
  #waiting: SpanData[] = [];
  #dropped = 0;
  #sendsAt = -Infinity;

  constructor(collector: Collector, resource: Attributes, outside: Outside) {
    this.#collector = collector;
    this.#resource = resource;
    this.#outside = outside;
  }

  /** Takes no time. Those that come within a moment go together. */
  add(span: SpanData): void {
    if (this.#waiting.length >= OTLP_SPANS_WAITING) {
      this.#dropped++;
      return;
    }
    this.#waiting.push(span);
    const { clock, keep } = this.#outside;
    if (clock.now() - this.#sendsAt < OTLP_STUCK_MS) return; // whoever sees to it may have died with its invocation
    this.#sendsAt = clock.now();
    keep(this.#sendSoon());
  }

  async #sendSoon(): Promise<void> {
    await this.#outside.clock.sleep(OTLP_GATHER_MS);
    while (this.#waiting.length > 0) {
      this.#sendsAt = this.#outside.clock.now();
      await this.#send(this.#waiting.splice(0, OTLP_SPANS_SENT));
    }
    this.#sendsAt = -Infinity;
    if (this.#dropped > 0) log("spans_dropped", { spans: this.#dropped });
    this.#dropped = 0;
  }

  /** Never rejects. What was refused for good, or twice, is lost. */
  async #send(spans: readonly SpanData[]): Promise<void> {
    const body = JSON.stringify(requestOf(spans, this.#resource));
    for (let tried = 1; ; tried++) {
      const said = await this.#post(body);
      if (said.taken || tried === OTLP_TRIES || !said.again) {
        if (!said.taken || said.rejected > 0) {
          log("spans_not_taken", { spans: said.taken ? said.rejected : spans.length, status: said.status, why: said.why });
        }
        return;
      }
      await this.#outside.clock.sleep(OTLP_GATHER_MS * tried);
    }
  }

  async #post(body: string): Promise<Said> {
    const { fetch, clock } = this.#outside;
    const { url, headers } = this.#collector;
    try {
      const signal = clock.timeout(OTLP_TIMEOUT_MS);
      const init = {
        method: "POST",
        headers: { ...headers, "Content-Type": "application/json" },
        body,
        redirect: "manual",
        signal,
      } as const;
      const response = await fetch(url, init);
      const { status } = response;
      const text = await response.text();
      if (response.ok) return { taken: true, again: false, status, why: "", rejected: rejectedIn(text) };
      const isRedirect = status >= 300 && status < 400;
      return { taken: false, again: AGAIN.has(status), status, why: isRedirect ? "redirects are not followed" : "refused", rejected: 0 };
    } catch (error) {
      // Its message may hold the address; its name says what is needed.
      return { taken: false, again: true, status: null, why: error instanceof Error ? error.name : "unknown", rejected: 0 };
    }
  }
}

interface Said {
  readonly taken: boolean;
  /** Whether it makes sense to send it once more. */
  readonly again: boolean;
  readonly status: number | null;
  readonly why: string;
  /** Of what was taken. */
  readonly rejected: number;
}

/** Statuses after which the same may be sent again, by the protocol. */
const AGAIN: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** How many of the spans a collector says that it has not taken, by `partialSuccess`. */
function rejectedIn(text: string): number {
  return Number(/"rejectedSpans"\s*:\s*"?(\d{1,9})/.exec(text)?.[1] ?? 0);
}

const nanosOf = (ms: number) => `${Math.round(ms)}000000`;
const SAMPLED = 1;
const ERROR = 2;

/** An `ExportTraceServiceRequest`: its 64-bit integers are texts, its ids hexadecimal. */
function requestOf(spans: readonly SpanData[], resource: Attributes): object {
  const scope = { name: "claimcheck", version: String(resource["service.version"] ?? "") };
  return {
    resourceSpans: [{ resource: { attributes: attributesOf(resource) }, scopeSpans: [{ scope, spans: spans.map(spanOf) }] }],
  };
}

function spanOf({
  traceId,
  spanId,
  parentId,
  state,
  name,
  kind,
  startAt,
  endAt,
  attributes,
  events = [],
  links = [],
  error,
}: SpanData): object {
  return {
    traceId,
    spanId,
    ...(state === "" ? {} : { traceState: state }),
    ...(parentId === null ? {} : { parentSpanId: parentId }),
    flags: SAMPLED,
    name,
    kind: SPAN_KIND[kind],
    startTimeUnixNano: nanosOf(startAt),
    endTimeUnixNano: nanosOf(endAt),
    attributes: attributesOf(error === null ? attributes : { ...attributes, "error.type": error }),
    ...(events.length === 0 ? {} : { events: events.map((event) => ({ timeUnixNano: nanosOf(event.at), name: event.name })) }),
    ...(links.length === 0 ? {} : { links: links.map(linkOf) }),
    ...(error === null ? {} : { status: { code: ERROR, message: error } }),
  };
}

const linkOf = ({ traceId, spanId, state }: SpanLink) => ({
  traceId,
  spanId,
  ...(state === "" ? {} : { traceState: state }),
  flags: SAMPLED,
});

function attributesOf(attributes: Attributes): object[] {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === null || value === undefined ? [] : [{ key, value: valueOf(value) }],
  );
}

function valueOf(value: string | number | boolean): object {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
}
