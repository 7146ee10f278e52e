/**
 * An inference's life as spans for the operator's collector, sent when it has ended. Names are those of OpenTelemetry's semantic
 * conventions where they have one (`gen_ai.*`, `error.type`), and `claimcheck.*` otherwise. The whole is linked to the call that submitted it and
 * not its child: it goes on long after that has ended. No span holds an input, an output, a key or what a backend said.
 */
import { CHAT, COMPLETIONS, EMBEDDINGS, knownIn } from "../backends/openai-paths.ts";
import { OTLP_ENDS_READ, OTLP_ENDS_WAITING, OTLP_GATHER_MS, OTLP_STUCK_MS } from "../limits.ts";
import { logError } from "../platform/log.ts";
import type { SpanData, SpanLink, SpanSink } from "../platform/otlp.ts";
import type { Database, Row } from "../platform/sql.ts";
import type { Clock } from "../ports.ts";
import { endedIn } from "./ends.ts";
import type { Inference } from "./inference.ts";
import { findTogether } from "./sql/read.ts";
import { type Span, lifeOf } from "./timeline.ts";
import { spanIdOf, spanOf, submitOf } from "./trace.ts";

/** OpenTelemetry's name of what is asked of a model, where it has one. */
const OPERATIONS = { [CHAT]: "chat", [COMPLETIONS]: "text_completion", [EMBEDDINGS]: "embeddings" } as const;

/** What an inference's spans are of one run: since its submit, or its last redrive. Empty while it goes on, and if its client's trace is not sampled. */
function spansOf(inference: Inference): SpanData[] {
  const { spans, moments } = lifeOf(inference);
  const [whole, ...others] = spans;
  const { traceId, sampled, state } = spanOf(inference, "");
  if (!sampled || !whole || whole.endAt === null) return [];
  const redrivenAt = moments.findLast(({ name }) => name === "redriven")?.at ?? null;
  const since = redrivenAt ?? whole.startAt;
  const root = redrivenAt === null ? whole.id : spanIdOf(inference.id, `inference/${redrivenAt}`);
  const submit = submitOf(inference);
  const links: SpanLink[] = [
    ...(submit ? [{ traceId, spanId: submit.spanId, state }] : []),
    ...(redrivenAt === null ? [] : [{ traceId, spanId: whole.id, state }]),
  ];
  const common = (span: Span) => ({
    traceId,
    spanId: span.id,
    parentId: span.parentId === whole.id ? root : span.parentId,
    state,
    startAt: span.startAt,
    endAt: span.endAt ?? span.startAt,
    error: span.error?.code ?? (span.outcome === "failed" ? "failed" : null),
  });
  const first: SpanData = {
    ...common(whole),
    spanId: root,
    parentId: null,
    startAt: since,
    name: `inference ${inference.model}`,
    kind: "consumer",
    attributes: {
      "claimcheck.inference.id": inference.id,
      "claimcheck.account.id": inference.accountId,
      "claimcheck.dialect": inference.dialect,
      "claimcheck.priority": inference.priority,
      "claimcheck.attempts": inference.attempt,
      "claimcheck.outcome": inference.status,
      "claimcheck.error.class": whole.error?.class,
      "gen_ai.request.model": inference.model,
      "claimcheck.model.version": inference.version || null,
    },
    events: moments.filter(({ name, at }) => name === "aged" && at >= since),
    links,
  };
  return [
    first,
    ...others
      .filter(({ startAt, endAt }) => startAt >= since && endAt !== null)
      .map((span): SpanData => ({ ...common(span), ...detailsOf(span, inference) })),
  ];
}

/** The name of a span, its kind and what is said of it. */
function detailsOf(span: Span, inference: Inference): Pick<SpanData, "name" | "kind" | "attributes" | "events"> {
  const { name, attempt, backendId } = span;
  const part = { "claimcheck.attempt.number": attempt, "claimcheck.backend.id": backendId };
  if (name !== "backend") {
    const attributes = name === "queued" ? { "claimcheck.waiting_on": span.waitingOn } : part;
    return { name, kind: "internal", attributes };
  }
  const { model, capability } = inference;
  const what = knownIn(capability);
  const isLast = span.outcome === "succeeded" && inference.status === "succeeded";
  const usage = isLast ? inference.usage : null;
  return {
    name: `${what === null ? "infer" : OPERATIONS[what]} ${model}`,
    kind: "client",
    attributes: {
      ...part,
      "gen_ai.operation.name": what && OPERATIONS[what],
      "gen_ai.request.model": model,
      "gen_ai.usage.input_tokens": usage?.promptTokens,
      "gen_ai.usage.output_tokens": usage?.completionTokens,
    },
    events: span.firstByteAt === undefined ? [] : [{ name: "first_byte", at: span.firstByteAt }],
  };
}

/** The same database, whose answers are looked through for inferences that have ended: their spans are read and sent, some time after. */
export function exporting(db: Database, sink: SpanSink, clock: Clock, keep: (work: Promise<void>) => void): Database {
  const ends = new Ends(db, sink, clock, keep);
  return {
    ...db,
    async all(statement) {
      const rows = await db.all(statement);
      ends.look(rows);
      return rows;
    },
    async batch(statements) {
      const answers = await db.batch(statements);
      for (const rows of answers) ends.look(rows);
      return answers;
    },
  };
}

/** Inferences that have ended, read together. Those that are too many are left out. */
class Ends {
  readonly #db: Database;
  readonly #sink: SpanSink;
  readonly #clock: Clock;
  readonly #keep: (work: Promise<void>) => void;
  #waiting: (readonly [accountId: string, id: string])[] = [];
  #readsAt = -Infinity;

  constructor(db: Database, sink: SpanSink, clock: Clock, keep: (work: Promise<void>) => void) {
    this.#db = db;
    this.#sink = sink;
    this.#clock = clock;
    this.#keep = keep;
  }

  look(rows: readonly Row[]): void {
    const ended = endedIn(rows);
    if (ended.length === 0 || this.#waiting.length + ended.length > OTLP_ENDS_WAITING) return;
    this.#waiting.push(...ended);
    const now = this.#clock.now();
    if (now - this.#readsAt < OTLP_STUCK_MS) return; // whoever sees to it may have died with its invocation
    this.#readsAt = now;
    this.#keep(this.#readSoon());
  }

  async #readSoon(): Promise<void> {
    await this.#clock.sleep(OTLP_GATHER_MS);
    while (this.#waiting.length > 0) {
      this.#readsAt = this.#clock.now();
      const names = this.#waiting.splice(0, OTLP_ENDS_READ);
      try {
        const inferences = await findTogether(this.#db, names, false);
        for (const inference of inferences) for (const span of inference ? spansOf(inference) : []) this.#sink.add(span);
      } catch (error) {
        logError("spans_not_read", error, { inferences: names.length });
      }
    }
    this.#readsAt = -Infinity;
  }
}
