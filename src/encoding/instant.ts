/**
 * PURE. Reads an instant as ISO 8601-1:2019 and RFC 3339 write it: a date (calendar, week or ordinal), `T`, `t` or a space, a
 * time to the hour, minute or second whose last part may have a fraction, and an offset; with separators or without. A text
 * without a time or an offset names no instant: where one may be meant, that is the caller's to say.
 */

const DATE = /^(\d{4})(?:-?(?:(\d{2})-?(\d{2})|W(\d{2})-?([1-7])|(\d{3})))$/i;
const TIME = /^(\d{2})(?::?(\d{2})(?::?(\d{2}))?)?(?:[.,](\d+))?$/;
const OFFSET = /(?:(z)|([+-])(\d{2})(?::?(\d{2}))?)$/i;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** ms since 1970, digits beyond them cut off; null if the text names no instant. */
export function parseInstant(text: string): number | null {
  if (text.length > 64) return null;
  const split = /^([^T\s]+)[T\s](.+)$/i.exec(text.trim());
  const [, dateText = "", clock = ""] = split ?? [];
  const offset = OFFSET.exec(clock);
  if (!split || !offset) return null;
  const day = dayOf(dateText);
  const time = timeOf(clock.slice(0, offset.index));
  const ahead = offsetOf(offset);
  if (day === null || time === null || ahead === null) return null;
  const instant = Math.floor(day + time - ahead);
  return instant < utc(0, 1, 1) || instant >= utc(10_000, 1, 1) ? null : instant; // in UTC its year has four digits, too
}

/** Midnight of a date, UTC. */
function dayOf(text: string): number | null {
  const match = DATE.exec(text);
  if (!match) return null;
  const [, year = "", month, date, week, weekday, ordinal] = match;
  const first = utc(Number(year), 1, 1);
  if (month !== undefined) {
    const day = utc(Number(year), Number(month), Number(date));
    const same = new Date(day);
    return same.getUTCMonth() + 1 === Number(month) && same.getUTCDate() === Number(date) ? day : null;
  }
  if (ordinal !== undefined) {
    const day = first + (Number(ordinal) - 1) * DAY;
    return Number(ordinal) >= 1 && new Date(day).getUTCFullYear() === Number(year) ? day : null;
  }
  // The week of 4 January is the first (ISO 8601-1, 5.3.4 of the 2004 numbering).
  const fourth = utc(Number(year), 1, 4);
  const monday = fourth - ((new Date(fourth).getUTCDay() + 6) % 7) * DAY;
  const day = monday + ((Number(week) - 1) * 7 + Number(weekday) - 1) * DAY;
  const thursday = new Date(monday + (Number(week) - 1) * 7 * DAY + 3 * DAY);
  return Number(week) >= 1 && thursday.getUTCFullYear() === Number(year) ? day : null;
}

function utc(year: number, month: number, day: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day); // Date.UTC takes years below 100 for 19xx
  return date.getTime();
}

/** ms since midnight. 24:00 is the end of the day; a leap second counts as the one after. */
function timeOf(text: string): number | null {
  const match = TIME.exec(text);
  if (!match) return null;
  const [, hour = "", minute, second, fraction] = match;
  const [h, m, s] = [Number(hour), Number(minute ?? 0), Number(second ?? 0)];
  if (h > 24 || m > 59 || s > 60) return null;
  const unit = second === undefined ? (minute === undefined ? HOUR : MINUTE) : 1_000;
  const rest = fraction === undefined ? 0 : Number(`0.${fraction}`) * unit;
  // What a fraction of a second has beyond ms is cut off without an error of binary fractions.
  const restMs = unit === 1_000 && fraction !== undefined ? Number(fraction.padEnd(3, "0").slice(0, 3)) : Math.floor(rest);
  const time = h * HOUR + m * MINUTE + s * 1_000 + restMs;
  return time > DAY && h === 24 ? null : time;
}

/** ms that its clocks are ahead of UTC. */
function offsetOf([, zulu, sign, hours = "0", minutes = "0"]: RegExpExecArray): number | null {
  if (zulu !== undefined) return 0;
  if (Number(hours) > 23 || Number(minutes) > 59) return null;
  return (sign === "-" ? -1 : 1) * (Number(hours) * HOUR + Number(minutes) * MINUTE);
}
