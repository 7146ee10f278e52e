/** An inference's life as bars over time: its waits, its attempts and what they were spent on, its deliveries. */
import type { Span, Timeline } from "../inferences.ts";
import { duration } from "./time.tsx";

const NAMES: Readonly<Record<string, string>> = {
  inference: "Whole",
  queued: "Queued",
  attempt: "Attempt",
  prepare: "Prepared",
  backend: "Backend",
  store: "Stored",
  delivery: "Webhook",
  delivery_attempt: "Try",
};
const WAITS: Readonly<Record<string, string>> = {
  position: "behind others",
  concurrency: "for a free slot",
  backend_down: "no backend takes work",
  retry_backoff: "to be tried again",
  scheduled: "for its time",
};
/** So that a moment can be seen. */
const LEAST_PERCENT = 0.4;

export function Waterfall({ timeline, now }: { readonly timeline: Timeline; readonly now: number }) {
  const isSent = ({ name }: Span) => name.startsWith("delivery");
  const sent = timeline.spans.filter(isSent);
  return (
    <div class="waterfall">
      <Bars label="Life of the inference" spans={timeline.spans.filter((span) => !isSent(span))} now={now} />
      {sent.length > 0 && (
        <>
          <h3>Webhooks</h3>
          <Bars label="What was sent to webhooks" spans={sent} now={now} />
        </>
      )}
      {timeline.is_cut && <p class="hint">Some of it is not shown: its log was shortened, or it has more deliveries.</p>}
    </div>
  );
}

/** Webhooks have a scale of their own, since they may be tried for days. */
function Bars({ label, spans, now }: { readonly label: string; readonly spans: readonly Span[]; readonly now: number }) {
  const endOf = ({ end_at }: Span) => (end_at === null ? now : Date.parse(end_at));
  const begin = Math.min(...spans.map(({ start_at }) => Date.parse(start_at)));
  const whole = Math.max(1, Math.max(...spans.map(endOf)) - begin);
  const depths = new Map<string, number>();
  for (const { id, parent_id } of spans) depths.set(id, (depths.get(parent_id ?? "") ?? -1) + 1);
  return (
    <>
      <div class="waterfall-axis" aria-hidden="true">
        <span />
        <span class="ticks">
          {[0, 0.25, 0.5, 0.75, 1].map((share) => (
            <span key={share}>{share === 0 ? "0" : duration(whole * share)}</span>
          ))}
        </span>
        <span />
      </div>
      <ol aria-label={label}>
        {spans.map((span) => (
          <Row key={span.id} span={span} end={endOf(span)} begin={begin} whole={whole} depth={depths.get(span.id) ?? 0} />
        ))}
      </ol>
    </>
  );
}

function Row({
  span,
  end,
  begin,
  whole,
  depth,
}: {
  readonly span: Span;
  readonly end: number;
  readonly begin: number;
  readonly whole: number;
  readonly depth: number;
}) {
  const percent = (at: number) => Math.min(100, Math.max(0, ((at - begin) / whole) * 100));
  const start = Date.parse(span.start_at);
  const left = Math.min(100 - LEAST_PERCENT, percent(start));
  const width = Math.max(LEAST_PERCENT, percent(end) - left);
  return (
    <li class="span-row" title={aboutOf(span)}>
      <span class="span-name" style={{ paddingLeft: `${depth * 14}px` }}>
        {nameOf(span)} <span class="muted">{noteOf(span)}</span>
      </span>
      <span class="span-track" aria-hidden="true">
        <span
          class={`span-bar ${span.name} ${span.outcome ?? "none"}${span.end_at === null ? " open" : ""}`}
          style={{ left: `${left}%`, width: `${width}%` }}
        />
        {span.first_byte_at !== undefined && <span class="span-first" style={{ left: `${percent(Date.parse(span.first_byte_at))}%` }} />}
      </span>
      <span class="span-took">
        {duration(end - start)}
        {span.end_at === null && "…"}
      </span>
    </li>
  );
}

function nameOf({ name, attempt }: Span): string {
  return (NAMES[name] ?? name) + (attempt !== undefined && (name === "attempt" || name === "delivery_attempt") ? ` ${attempt}` : "");
}

function noteOf({ waiting_on, error, event, http_status, result, name, backend }: Span): string {
  if (error) return error.code;
  if (waiting_on) return WAITS[waiting_on] ?? waiting_on;
  if (event) return event;
  if (name === "delivery_attempt") return http_status ? String(http_status) : (result ?? "");
  return name === "attempt" && backend ? backend.slice(0, 8) : "";
}

/** For who points at it. */
function aboutOf({ start_at, end_at, error, url, first_byte_at, backend }: Span): string {
  const parts = [`from ${start_at}`, end_at === null ? "goes on" : `to ${end_at}`];
  if (first_byte_at) parts.push(`first byte ${first_byte_at}`);
  if (backend) parts.push(`backend ${backend}`);
  if (url) parts.push(url);
  if (error) parts.push(error.message);
  return parts.join(", ");
}
