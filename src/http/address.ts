/** PURE. A request's host and path, and where it comes from. */

/** What needs no parser: a host and a path in which nothing can be written in two ways. */
const PLAIN = /^https?:\/\/(127\.0\.0\.1|[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)*)(?::\d+)?(\/[\w/-]*)(?:\?[^#]*)?$/;

/** As a URL parser reads them; a parser for each request costs more than most answers. */
export function addressOf(url: string): Pick<URL, "hostname" | "pathname"> {
  const [, hostname, pathname] = PLAIN.exec(url) ?? [];
  return hostname !== undefined && pathname !== undefined ? { hostname, pathname } : new URL(url);
}

/** An origin that needs no parser: no port that a URL leaves out. */
const PLAIN_ORIGIN = /^https?:\/\/(?:127\.0\.0\.1|[a-z][a-z0-9-]*(?:\.[a-z][a-z0-9-]*)*)(?::(?!80\/|443\/|0)\d+)?(?=\/)/;

/** The origin of a URL, as a URL parser reads it. */
export function originOf(url: string): string {
  return PLAIN_ORIGIN.exec(url)?.[0] ?? new URL(url).origin;
}

/** Where a request comes from: an IPv4 address, or the /64 of an IPv6 address, all of which is one customer's; "" if that is not known. */
export function networkOf({ headers }: Pick<Request, "headers">): string {
  const address = headers.get("cf-connecting-ip") ?? ""; // Cloudflare sets it
  const [before = "", after] = address.split("::"); // which stands for as many zeros as are missing
  const groups = before === "" ? [] : before.split(":");
  const rest = after === undefined || after === "" ? [] : after.split(":");
  const zeros = after === undefined ? 0 : Math.max(0, 8 - groups.length - rest.length);
  return [...groups, ...Array.from({ length: zeros }, () => "0"), ...rest].slice(0, 4).join(":");
}
