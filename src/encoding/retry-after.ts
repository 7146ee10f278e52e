/** PURE. What a `Retry-After` asks for (RFC 9110, 10.2.3), and what others write in its place. */

/** The three forms of an HTTP date (RFC 9110, 5.6.7): as sent today, of RFC 850, and of asctime. */
const HTTP_DATES = [
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/,
  /^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \d\d-\w{3}-\d\d \d\d:\d\d:\d\d GMT$/,
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$/,
];

/** In ms; by `retry-after-ms` of OpenAI and Azure, which is exact, before `Retry-After`. Null if there is neither. */
export function waitIn(headers: Headers, now: number): number | null {
  const exact = headers.get("retry-after-ms")?.trim() ?? "";
  return DECIMAL.test(exact) ? Math.min(Number.MAX_SAFE_INTEGER, Math.ceil(Number(exact))) : retryAfterMs(headers.get("retry-after"), now);
}

/** The standard has whole seconds; some servers write fractions. */
const DECIMAL = /^\d+(?:\.\d+)?$/;

/**
 * In ms from `now`, which is in Unix ms; at least 0. Null for no header and for one that is neither seconds nor a date: Date.parse would take "-5" and "in 2040" for dates.
 */
export function retryAfterMs(value: string | null, now: number): number | null {
  const text = value?.trim() ?? "";
  if (DECIMAL.test(text)) return Math.min(Number.MAX_SAFE_INTEGER, Math.ceil(Number(text) * 1000));
  const form = HTTP_DATES.findIndex((pattern) => pattern.test(text));
  if (form === -1) return null;
  const at = Date.parse(form === 2 ? `${text} GMT` : text); // asctime names no zone, and is in GMT
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}
