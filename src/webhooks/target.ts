/**
 * May we call this URL? A webhook's URL comes from a client and is called from within the deployment, so it must
 * never lead to a network that the client could not reach itself (OWASP API7, server-side request forgery).
 * - Decided on what `new URL()` made of the text, and for addresses on their bits, never on how anything was spelled:
 *   decimal, octal, hex, short and percent-encoded forms, other alphabets' digits and dots have all become one form
 *   by then. What is judged is what is called: the canonical URL is in the judgement, and nobody uses the text again.
 *   The addresses of the DNS and the tables below go through the same parser, so there is no second reader to disagree; a
 *   test holds what is made of its text against a library.
 * - An IPv6 address that a translator turns into an IPv4 address (mapped, NAT64) is judged as that address. Those of
 *   tunnels and of translations that are no longer or only locally in use are refused whatever they carry.
 * - A name says nothing by itself, so its addresses are looked up and judged too. That is a guard and not the lock: the
 *   platform's fetch looks the name up again by itself, and its flag `global_fetch_strictly_public` stands behind both. So
 *   a resolver that does not answer stops no delivery. An answer of the DNS may be another one a moment later, so judging
 *   at submit alone would be no use: every attempt is judged again.
 * Sources: the IANA special-purpose registries of IPv4, of IPv6 and of domain names, as of 2026; RFC 6890 and 6761.
 */
import * as z from "zod";
import type { Outside } from "../backends/backend.ts";
import { RESOLVER_MS, WEBHOOK_PORTS, WEBHOOK_URL_CHARACTERS } from "../limits.ts";
import { errorText, log } from "../platform/log.ts";

export interface TargetRules {
  readonly ports: readonly number[];
  /** In the embedded runtime: plain http, and any port, to this machine itself. */
  readonly loopbackHttp: boolean;
}

/** The rules of a deployment. */
export const PUBLIC_ONLY: TargetRules = { ports: WEBHOOK_PORTS, loopbackHttp: false };

/** `reason` completes "the URL …" and may be shown to the client. */
export type Refusal = { readonly ok: false; readonly reason: string };

export type TargetJudgement =
  | {
      readonly ok: true;
      /** The one form to store, to compare and to call: without default port, fragment and trailing dot. */
      readonly url: string;
      /** The name whose addresses are to be judged before a call; null for an address, and for this machine. */
      readonly name: string | null;
    }
  | Refusal;

/** Whether a webhook may be sent to this URL, as far as the URL alone can tell. */
export function judgeTarget(text: string, rules: TargetRules): TargetJudgement {
  if (text === "" || text.length > WEBHOOK_URL_CHARACTERS) return refused(`must have 1 to ${WEBHOOK_URL_CHARACTERS} characters`);
  const url = URL.parse(text);
  if (!url) return refused("must be an absolute URL with a valid host");
  if (url.protocol !== "https:" && url.protocol !== "http:") return refused("must use https");
  if (url.username !== "" || url.password !== "") return refused("must not hold a user name or password");

  const host = hostOf(url.hostname);
  if (!host) return refused("must have a host without empty parts");
  url.hostname = host.text;
  url.hash = ""; // is never sent, and two URLs that differ in nothing else are one endpoint

  const local = rules.loopbackHttp && host.loopback;
  if (!local) {
    if (url.protocol !== "https:") return refused(rules.loopbackHttp ? "must use https, or http to this machine" : "must use https");
    if (host.fault !== null) return refused(host.fault);
    const port = url.port === "" ? 443 : Number(url.port);
    if (!rules.ports.includes(port)) return refused(`must use port ${rules.ports.join(" or ")}, not ${port}`);
  }
  if (url.href.length > WEBHOOK_URL_CHARACTERS) return refused(`must have at most ${WEBHOOK_URL_CHARACTERS} characters when encoded`);
  return { ok: true, url: url.href, name: local || host.address ? null : host.text };
}

/** Whether a name with these addresses may be called: each of them must be public, since any may be connected to. */
export function judgeAddresses(addresses: readonly string[]): { readonly ok: true } | Refusal {
  if (addresses.length === 0) return refused("must name a host that has an address");
  for (const text of addresses) {
    const address = addressOf(text);
    if (!address) return refused("must name a host with valid addresses");
    const special = specialOf(address);
    if (special !== null) return refused(`must not resolve to ${special}`);
  }
  return { ok: true };
}

function refused(reason: string): Refusal {
  return { ok: false, reason };
}

interface Host {
  readonly text: string;
  readonly address: boolean;
  readonly loopback: boolean;
  /** Why it may not be called; null where nothing speaks against it. */
  readonly fault: string | null;
}

/** A parsed URL's host, without the dot that a full name may end in; null where a part of it is empty. */
function hostOf(hostname: string): Host | null {
  const address = hostname.startsWith("[") ? addressOf(hostname.slice(1, -1)) : addressOf(hostname);
  if (address) {
    const special = specialOf(address);
    const fault = special === null ? null : `must not lead to ${special}`;
    return { text: hostname, address: true, loopback: isLoopback(address), fault };
  }
  const name = hostname.endsWith(".") ? hostname.slice(0, -1) : hostname;
  const labels = name.split(".");
  if (labels.includes("")) return null;
  return { text: name, address: false, loopback: labels.at(-1) === "localhost", fault: faultOfName(name, labels) };
}

// Names

/**
 * Top-level domains that lead nowhere, or into the network of whoever asks: the special-use names of RFC 6761, 6762,
 * 7686, 8375 and 9476 (`arpa` holds nothing but infrastructure; `localhost` is told apart), `internal` as ICANN reserved it, and those that
 * RFC 6762, appendix G, and ICANN's name collision work found in private use.
 */
const SPECIAL_DOMAINS: ReadonlySet<string> = new Set(
  "alt arpa corp example home internal intranet invalid lan local localdomain mail onion private test".split(" "),
);

/** Google's other name for its metadata server. */
const METADATA_NAME = "metadata.goog";

const NAME_CHARACTERS = 253;
/** Letters, digits and hyphens, and the underscore that names of hosts are given in practice. */
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

function faultOfName(name: string, labels: readonly string[]): string | null {
  const top = labels.at(-1) ?? "";
  if (top === "localhost") return "must not lead to this machine (localhost)";
  if (name.length > NAME_CHARACTERS || !labels.every((label) => LABEL.test(label))) return "must have a host name that is valid in the DNS";
  if (labels.length === 1) return "must have a full domain name, not a single word";
  if (SPECIAL_DOMAINS.has(top)) return `must not lead to a private or special domain (.${top})`;
  if (name === METADATA_NAME || name.endsWith(`.${METADATA_NAME}`)) return `must not lead to a cloud's metadata service (${METADATA_NAME})`;
  return null;
}

// Addresses

/** An address, as a number of its family's bits. */
interface Address {
  readonly family: 4 | 6;
  readonly value: bigint;
  /** The one form that the platform's URL parser gives it. */
  readonly text: string;
}

/** Addresses that agree in all bits but the last few. */
interface Block {
  readonly address: Address;
  readonly freeBits: bigint;
}

const BITS = { 4: 32, 6: 128 } as const;

/** An address in one of the forms that a URL parser and the DNS write; null for anything else, and for one with a zone. */
function addressOf(text: string): Address | null {
  if (/^\d+(?:\.\d+){3}$/.test(text)) return URL.parse(`http://${text}`)?.hostname === text ? addressIn(4, text) : null; // not octal
  const host = /^[\da-f:.]+$/i.test(text) ? URL.parse(`http://[${text}]`)?.hostname : undefined;
  return host === undefined ? null : addressIn(6, host.slice(1, -1));
}

/** The address in the text that a URL parser made of it. */
function addressIn(family: 4 | 6, text: string): Address {
  if (family === 4) return { family, text, value: text.split(".").reduce((value, part) => (value << 8n) | BigInt(part), 0n) };
  const [before = [], after = []] = text.split("::").map((half) => half.split(":").filter((group) => group !== ""));
  const groups = [...before, ...Array<string>(8 - before.length - after.length).fill("0"), ...after];
  return { family, text, value: groups.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n) };
}

/** The block of its usual notation, such as 10.0.0.0/8. */
function blockOf(text: string): Block {
  const [first = "", bits] = text.split("/");
  const address = addressOf(first);
  if (!address) throw new Error(`${text} is no block of addresses`);
  return { address, freeBits: BigInt(BITS[address.family] - Number(bits)) };
}

function isIn({ family, value }: Address, { address, freeBits }: Block): boolean {
  return family === address.family && value >> freeBits === address.value >> freeBits;
}

/** The first that holds an address says what it is. Globally reachable ones that nobody's receiver can have are here too. */
const SPECIAL_IPV4 = tableOf([
  ["an unspecified address", "0.0.0.0/32"],
  ["an address of its own network", "0.0.0.0/8"],
  ["a loopback address", "127.0.0.0/8"],
  // AWS and most others; Alibaba; Oracle's older one; Azure's, which is within public space.
  ["a cloud's metadata service", "169.254.169.254/32", "100.100.100.200/32", "192.0.0.192/32", "168.63.129.16/32"],
  ["a private address", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"],
  ["a link-local address", "169.254.0.0/16"],
  ["a carrier's shared address", "100.64.0.0/10"],
  ["a documentation address", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"],
  ["a benchmarking address", "198.18.0.0/15"],
  // IETF protocols; AS112 twice; AMT; relays of 6to4.
  ["an address of the network's own services", "192.0.0.0/24", "192.31.196.0/24", "192.175.48.0/24", "192.52.193.0/24", "192.88.99.0/24"],
  ["a multicast address", "224.0.0.0/4"],
  ["a broadcast address", "255.255.255.255/32"],
  ["a reserved address", "240.0.0.0/4"],
]);

const SPECIAL_IPV6 = tableOf([
  ["an unspecified address", "::/128"],
  ["a loopback address", "::1/128"],
  // Carries an IPv4 address: IPv4-compatible and IPv4-translated, deprecated; NAT64 for local use; 6to4; Teredo.
  ["an IPv4 address in disguise", "::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"],
  ["a cloud's metadata service", "fd00:ec2::254/128", "fd20:ce::254/128", "fd00:42::42/128"], // AWS, Google, Scaleway
  ["a private address", "fc00::/7"],
  ["a link-local address", "fe80::/10"],
  ["a site-local address", "fec0::/10"],
  ["a multicast address", "ff00::/8"],
  ["a documentation address", "2001:db8::/32", "3fff::/20"],
  ["a benchmarking address", "2001:2::/48"],
  ["an address of the network's own services", "2001::/23", "2620:4f:8000::/48"],
]);

/** All that IANA has ever given out for global unicast; a special block outside it is refused without being listed. */
const GLOBAL_IPV6 = blockOf("2000::/3");

/** Prefixes whose addresses are their last 32 bits: mapped by the host itself, and the well-known NAT64 (RFC 6052). */
const CARRIERS = [blockOf("::ffff:0:0/96"), blockOf("64:ff9b::/96")];

function tableOf(rows: readonly (readonly [what: string, ...blocks: string[]])[]): readonly (readonly [string, readonly Block[]])[] {
  return rows.map(([what, ...blocks]) => [what, blocks.map(blockOf)] as const);
}

/** What is special about an address, in words that name it; null where it is public. */
function specialOf(address: Address): string | null {
  const judged = carriedBy(address) ?? address;
  const what = kindOf(judged);
  if (what === null) return null;
  return `${what} (${judged === address ? "" : `${address.text} is `}${judged.text})`;
}

function isLoopback(address: Address): boolean {
  return kindOf(address) === "a loopback address";
}

function kindOf(address: Address): string | null {
  for (const [what, blocks] of address.family === 6 ? SPECIAL_IPV6 : SPECIAL_IPV4) {
    if (blocks.some((block) => isIn(address, block))) return what;
  }
  return address.family === 6 && !isIn(address, GLOBAL_IPV6) ? "a reserved address" : null;
}

/** The IPv4 address that packets to this one end up at. */
function carriedBy(address: Address): Address | null {
  if (!CARRIERS.some((carrier) => isIn(address, carrier))) return null;
  return addressOf([24n, 16n, 8n, 0n].map((shift) => (address.value >> shift) & 255n).join("."));
}

// Look-up: what the public DNS says of a name, asked over HTTPS (RFC 8484's service in its JSON form)

export type NameJudgement =
  | { readonly verdict: "public" }
  /** See Refusal. */
  | { readonly verdict: "refused"; readonly reason: string }
  /** The resolver failed, for one kind of address at least, and nothing that it said speaks against the name. */
  | { readonly verdict: "unknown" };

const RESOLVER = "https://cloudflare-dns.com/dns-query";

/** The kinds of record that hold addresses, by their numbers (RFC 1035 and 3596). */
const RECORDS = { A: 1, AAAA: 28 } as const;
type Kind = keyof typeof RECORDS;

/** The answer's code (RFC 6895, 2.3): there are such records or none, and there is no such name. */
const NO_ERROR = 0;
const NO_SUCH_NAME = 3;

const answerSchema = z.object({
  Status: z.int(),
  Answer: z.array(z.object({ type: z.int(), data: z.string() })).optional(),
});

/** Judges a name by all of its addresses. Two requests at once, within RESOLVER_MS; never rejects. */
export async function judgeName(name: string, outside: Outside): Promise<NameJudgement> {
  const signal = outside.clock.timeout(RESOLVER_MS);
  const answers = await Promise.all([addressesOf(name, "A", outside, signal), addressesOf(name, "AAAA", outside, signal)]);
  const addresses = answers.flatMap((answer) => answer ?? []);
  const complete = !answers.includes(null);
  if (addresses.length === 0 && !complete) return { verdict: "unknown" };
  const judged = judgeAddresses(addresses);
  if (!judged.ok) return { verdict: "refused", reason: judged.reason };
  return { verdict: complete ? "public" : "unknown" };
}

/** The name's addresses of one kind; null where the resolver gave no usable answer. */
async function addressesOf(name: string, kind: Kind, { fetch }: Outside, signal: AbortSignal): Promise<string[] | null> {
  try {
    const url = `${RESOLVER}?name=${encodeURIComponent(name)}&type=${kind}`;
    const response = await fetch(url, { headers: { Accept: "application/dns-json" }, redirect: "manual", signal });
    if (response.status !== 200) {
      await response.body?.cancel();
      return null;
    }
    const { Status: status, Answer: records = [] } = answerSchema.parse(await response.json());
    if (status !== NO_ERROR && status !== NO_SUCH_NAME) return null;
    // Names that the name is another name for come along as records of their own kind.
    return records.filter((record) => record.type === RECORDS[kind]).map((record) => record.data);
  } catch (error) {
    log("name_not_resolved", { name, kind, cause: errorText(error) }); // not reached, too late, or no answer of a resolver
    return null;
  }
}
