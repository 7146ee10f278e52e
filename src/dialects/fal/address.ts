/**
 * PURE. Where fal's clients send a call. They know three hosts, each of which is a path here: `queue.fal.run` is `/fal/queue`,
 * `fal.run` is `/fal/run`, `rest.fal.ai` is `/fal/rest`. A deployment that answers to `queue.fal.example.com`, `fal.example.com`
 * and `rest.fal.example.com` takes them as they are. The client for JavaScript has no setting for its hosts, but sends all of
 * its calls to one URL if it is told to, with the real address in a header. That header only says which call is meant: nothing is fetched
 * from there.
 */

/** What the client for JavaScript is given as its `proxyUrl`. */
const PROXY = "/fal/proxy";

const TARGET = "x-fal-target-url";

const ROOMS: readonly (readonly [host: string, path: string])[] = [
  ["queue.fal.", "/fal/queue"],
  ["rest.fal.", "/fal/rest"],
  ["fal.", "/fal/run"],
];

/** The path of a call to one of fal's hosts, under any domain; null for any other host. */
export function pathAt(hostname: string, path: string): string | null {
  const room = ROOMS.find(([host]) => hostname.startsWith(host));
  return room ? room[1] + path : null;
}

/** A request to the proxy as the call that it is meant for; as it is if it is any other, or does not say a call of fal's. */
export function unproxied(request: Request): Request {
  const { url } = request;
  if (!url.includes(PROXY)) return request;
  const here = new URL(url);
  const target = URL.parse(request.headers.get(TARGET) ?? "");
  if (here.pathname !== PROXY || !target || !/^https?:$/.test(target.protocol)) return request;
  const path = pathAt(target.hostname, target.pathname);
  return path === null ? request : new Request(here.origin + path + target.search, request);
}
