/** Times, lengths of time, and sizes, as people read them. */
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long: `84 ms`, `1.2 s`, `3 min 4 s`, `2 h 5 min`, `3 d 2 h`. */
export function duration(ms: number): string {
  const whole = (upper: number, name: string, lower: number, small: string) => {
    const rest = Math.floor((ms % upper) / lower);
    return `${Math.floor(ms / upper)} ${name}${rest > 0 ? ` ${rest} ${small}` : ""}`;
  };
  if (ms < SECOND) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 10 * SECOND) return `${(ms / SECOND).toFixed(1)} s`;
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return whole(MINUTE, "min", SECOND, "s");
  if (ms < DAY) return whole(HOUR, "h", MINUTE, "min");
  return whole(DAY, "d", HOUR, "h");
}

/** How long ago, in one unit. */
export function ago(at: number, now: number): string {
  const ms = now - at;
  if (ms < 5 * SECOND) return "now";
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s ago`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min ago`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h ago`;
  return `${Math.floor(ms / DAY)} d ago`;
}

const CLOCK = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });

/** A time as how long ago it is, and the whole of it for who points at it. */
export function Ago({ at, now }: { readonly at: string; readonly now: number }) {
  return (
    <time dateTime={at} title={CLOCK.format(new Date(at))}>
      {ago(Date.parse(at), now)}
    </time>
  );
}

/** A time in full. */
export function Time({ at }: { readonly at: string }) {
  return <time dateTime={at}>{CLOCK.format(new Date(at))}</time>;
}

/** `512 B`, `4.0 KiB`, `1.5 GiB`. */
export function bytes(count: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, count < 1 ? 0 : Math.floor(Math.log2(count) / 10));
  return power === 0 ? `${count} B` : `${(count / 1024 ** power).toFixed(1)} ${units[power]}`;
}

/** A count with its thousands apart. */
export const number = (count: number): string => count.toLocaleString("en");

const SHORT = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

/** A time to the minute, in few characters. */
export const clock = (at: string): string => SHORT.format(new Date(at));
