/**
 * What the operator's resources share: each can be created, listed, got, updated and deleted, by the same five routes under
 * `/admin/v1`. A resource says how it looks, what may be said of it, and which functions do it.
 */
import * as z from "zod";
import { json } from "../http/answer.ts";
import type { pageQuery } from "../http/page.ts";
import { type AccountCall, type Call, type Route, route } from "../http/route.ts";
import { nameText } from "../http/text.ts";
import { ADMIN_BODY_BYTES } from "../limits.ts";
import { problem } from "../problem.ts";

export const PREFIX = "/admin/v1";

/** What people call things. */
export const nameSchema = nameText(128).describe("A name for people.");

type Page = z.infer<ReturnType<typeof pageQuery>>;

/** The five routes of a resource. */
export function routesOf<
  Row,
  Shown extends z.ZodType<object>,
  Create extends z.ZodType,
  Created extends z.ZodType<object>,
  Update extends z.ZodType,
  Deleted extends z.ZodType<object>,
  Query extends z.ZodType<Page>,
>(resource: {
  /** One of them, as in "There is no account". */
  readonly noun: string;
  /** Below the prefix, such as `/accounts`; also the plural of the noun. */
  readonly path: string;
  /** The member by which one of them is found. */
  readonly id: string;
  readonly shown: Shown;
  readonly present: (row: Row, call: Call) => z.infer<Shown>;
  readonly idOf: (row: Row) => string;
  readonly create: { readonly takes: Create; readonly answers: Created; run(call: Call, body: z.infer<Create>): Promise<z.infer<Created>> };
  /** Up to `limit` rows behind the one whose id is `after`; ordered by id by default. */
  readonly list: { readonly order?: string; readonly takes: Query; run(call: Call, query: z.infer<Query>, limit: number): Promise<Row[]> };
  readonly find: (call: Call, id: string) => Promise<Row | null>;
  readonly update: { readonly takes: Update; run(call: Call, id: string, body: z.infer<Update>): Promise<Row | null> };
  readonly delete: { readonly summary: string; readonly answers: Deleted; run(call: Call, id: string): Promise<z.infer<Deleted>> };
}): Route[] {
  const { noun, path, id, shown, present, create, list, update } = resource;
  const plural = path.slice(1);
  const all = `${PREFIX}${path}`;
  const one = `${all}/:${id}`;
  const params = z.object({ [id]: z.string().describe(`The ${noun}'s ${id}.`) });
  const idIn = (call: Call) => call.params[id] ?? "";
  const article = /^[aeiou]/.test(noun) ? "an" : "a";
  const pageSchema = z.object({
    data: z.array(shown),
    next_after: z.string().nullable().describe("The `after` of the next page; null on the last one."),
  });

  return [
    route(
      "operator",
      "POST",
      all,
      {
        summary: `Create ${article} ${noun}.`,
        body: { json: create.takes, limitBytes: ADMIN_BODY_BYTES },
        answers: { 201: { description: `The ${noun}.`, json: create.answers } },
      },
      async (call, { body }) => json(await create.run(call, body as z.infer<Create>), { status: 201 }), // checked by that schema
    ),
    route(
      "operator",
      "GET",
      all,
      {
        summary: `List ${plural}, ${list.order ?? `ordered by ${id}`}.`,
        query: list.takes,
        answers: { 200: { description: `A page of ${plural}.`, json: pageSchema } },
      },
      async (call, { query }) => {
        const { limit } = query as Page; // checked by a schema that has it
        const rows = await list.run(call, query as z.infer<Query>, limit + 1); // the same
        const page = rows.slice(0, limit);
        const last = page.at(-1);
        const next = rows.length > limit && last !== undefined ? resource.idOf(last) : null;
        return json({ data: page.map((row) => present(row, call)), next_after: next });
      },
    ),
    route(
      "operator",
      "GET",
      one,
      { summary: `Get ${article} ${noun}.`, params, answers: { 200: { description: `The ${noun}.`, json: shown } } },
      async (call) => json(present(found(await resource.find(call, idIn(call)), noun), call)),
    ),
    route(
      "operator",
      "PATCH",
      one,
      {
        summary: `Update ${article} ${noun}; what is left out stays as it is.`,
        params,
        body: { json: update.takes, limitBytes: ADMIN_BODY_BYTES },
        answers: { 200: { description: `The ${noun} as it is now.`, json: shown } },
      },
      async (call, { body }) => json(present(found(await update.run(call, idIn(call), body as z.infer<Update>), noun), call)), // checked by that schema
    ),
    route(
      "operator",
      "DELETE",
      one,
      { summary: resource.delete.summary, params, answers: { 200: { description: "It is gone.", json: resource.delete.answers } } },
      async (call) => json(await resource.delete.run(call, idIn(call))),
    ),
  ];
}

/** The same call, about what the account in its path has. */
export const ofAccount = (call: Call): AccountCall =>
  Object.assign(asOperator(call), { caller: { accountId: call.params["account"] ?? "" } });

/** The same call, whose answers lead to the operator's own routes, and show outputs only if the deployment's setting allows that. */
export const asOperator = <C extends Call>(call: C): C & { readonly asOperator: { readonly seesPayloads: boolean } } =>
  Object.assign(call, { asOperator: { seesPayloads: call.config.operatorSeesPayloads } });

/** The same call about an account's input or output itself. Throws if the deployment hides those from its operator. */
export function ofPayload(call: Call): AccountCall {
  if (call.config.operatorSeesPayloads) return ofAccount(call);
  throw problem("payloads_hidden", { detail: 'OPERATOR_PAYLOADS is "hidden": inputs and outputs are for the account\'s own keys.' });
}

/** What was looked for, or 404. */
export function found<T>(row: T | null, noun: string): T {
  if (row === null) throw problem("not_found", { detail: `There is no such ${noun}.` });
  return row;
}

/** Without the members that were not given. */
export function given<T extends object>(value: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as {
    [Name in keyof T]?: Exclude<T[Name], undefined>;
  }; // what the filter does
}
