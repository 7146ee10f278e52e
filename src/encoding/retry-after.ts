/** PURE. What a `Retry-After` asks for (RFC 9110, 10.2.3). */

/** The three forms of an HTTP date (RFC 9110, 5.6.7): as sent today, of RFC 850, and of asctime. */
const HTTP_DATES = [
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/,
  /^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \d\d-\w{3}-\d\d \d\d:\d\d:\d\d GMT$/,
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$/,
];

/**
 * In ms from `now`, which is in Unix ms; at least 0. Null for no header and for one that is neither whole seconds nor a
 * date: Date.parse would take "-5" and "in 2040" for dates.
 */
export function retryAfterMs(value: string | null, now: number): number | null {
  const text = value?.trim() ?? "";
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const form = HTTP_DATES.findIndex((pattern) => pattern.test(text));
  if (form === -1) return null;
  const at = Date.parse(form === 2 ? `${text} GMT` : text); // asctime names no zone, and is in GMT
  return Number.isNaN(at) ? null : Math.max(0, at - now);
}
