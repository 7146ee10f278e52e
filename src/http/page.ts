/** Keyset paging: `?after=<last id>&limit=1..100`. */
import * as z from "zod";
import { PAGE } from "../limits.ts";
import { check } from "./body.ts";

/** Reads the page asked for from a query; throws 422. */
export function pageOf(url: URL, defaultLimit: number = PAGE.default): { after: string; limit: number } {
  const schema = z.object({
    after: z.string().max(256).default(""),
    limit: z.coerce.number().int().min(PAGE.range[0]).max(PAGE.range[1]).default(defaultLimit),
  });
  return check(schema, Object.fromEntries(url.searchParams));
}
