/**
 * What the public DNS says of a name, asked over HTTPS (RFC 8484's service in its JSON form). It guards what URLs alone
 * can't show: a public name with a private address. It is a guard and not the lock: the platform's fetch looks the
 * name up again by itself. So a resolver that does not answer stops no delivery: the name is then "unknown".
 */
import * as z from "zod";
import type { Outside } from "../backends/backend.ts";
import { RESOLVER_MS } from "../limits.ts";
import { errorText, log } from "../platform/log.ts";
import { judgeAddresses } from "./target.ts";

export type NameJudgement =
  | { readonly verdict: "public" }
  /** See target.ts, Refusal. */
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
