/** Lists of inferences: by filter, page by page, or by their ids; and how many there are. */
import * as z from "zod";
import { FAILURE_CLASSES } from "../backends/outcome.ts";
import { writeJson } from "../encoding/json.ts";
import { json } from "../http/answer.ts";
import { countsOf, cursorAt, filterIn, idsSchema, listShape, pickShape, placeOf, wordsOf } from "../http/list.ts";
import { type Call, type Input, type KeyCall, type RouteShape, route } from "../http/route.ts";
import type { Inference } from "../inferences/inference.ts";
import type { Cursor } from "../inferences/sql/filter.ts";
import { type Page, countPage, listPage } from "../inferences/sql/list.ts";
import { findTogether } from "../inferences/sql/read.ts";
import { STATUSES } from "../inferences/status.ts";
import { COUNTED_ROWS, IDS_ASKED, LISTED_CHARACTERS, LISTED_ROWS } from "../limits.ts";
import { problem } from "../problem.ts";
import { inferenceSchema, present } from "./present.ts";

const MEMBERS = Object.keys(inferenceSchema.unwrap().shape) as (keyof z.infer<typeof inferenceSchema>)[]; // its own keys

const fieldsShape = {
  fields: wordsOf(MEMBERS)
    .optional()
    .describe("Only these members of each, with commas between, such as `id,status,error`; all by default."),
};

export const listedSchema = z.lazy(() =>
  z.object({
    object: z.literal("list"),
    data: z.array(inferenceSchema.unwrap().partial()).describe("Each inference as a whole, without its place in the queue."),
    next: z
      .string()
      .nullable()
      .describe(
        `The \`after\` of the next page; null on the last. A page looks at ${LISTED_ROWS} inferences and has ${LISTED_CHARACTERS / 1_000_000} MB at most, so it may be short while there are more.`,
      ),
    previous: z.string().nullable().describe("The `before` of the page before; null on the first."),
    missing: z.array(z.string()).optional().describe("With `ids`: those that the account has no inference of."),
  }),
);

export const countsSchema = z.lazy(() =>
  z.object({
    counts: z.object(Object.fromEntries(STATUSES.map((status) => [status, z.int()])) as Record<(typeof STATUSES)[number], z.ZodInt>), // of each one
    errors: z
      .array(z.object({ class: z.enum(FAILURE_CLASSES), code: z.string(), status: z.enum(["failed", "expired"]), count: z.int() }))
      .describe("Of those that failed or expired, by class and code, most first."),
    next: z
      .string()
      .nullable()
      .describe(`The \`after\` of the next call; null if all were looked at. A call looks at ${COUNTED_ROWS} inferences at most.`),
  }),
);

z.globalRegistry.add(countsSchema, { id: "Counts" });

export const listQuery = z.strictObject({
  ...listShape,
  ...fieldsShape,
  ids: idsSchema
    .optional()
    .describe(
      `Up to ${IDS_ASKED} ids with commas between: these, in this order, and no other filter. Where they would be more than ${LISTED_CHARACTERS / 1_000_000} MB, the last ones have a null \`output\`; get it at \`urls.result\`.`,
    ),
});
const countQuery = z.strictObject(pickShape);

const LIST = {
  summary: "List inferences, newest first, by filters or by ids.",
  query: listQuery,
  repeatable: ["status", "fields", "ids"],
  deep: "metadata",
  answers: { 200: { description: "A page of them.", json: listedSchema } },
} as const satisfies RouteShape;

const COUNT = {
  summary: `Count inferences by status, class and code, by the filters of the list; examines ${COUNTED_ROWS} a call.`,
  query: countQuery,
  repeatable: ["status"],
  deep: "metadata",
  answers: { 200: { description: "How many of what.", json: countsSchema } },
} as const satisfies RouteShape;

export const listRoutes = [
  route("read", "GET", "/v1/inferences", LIST, list),
  route("read", "GET", "/v1/inferences/counts", COUNT, (call, { query }) => counted(call, query, call.caller.accountId)),
];

async function list(call: KeyCall, { query }: Input<typeof LIST>): Promise<Response> {
  const { accountId } = call.caller;
  if (query.ids === undefined) return listed(call, query, accountId);
  const others = Object.keys(Object.fromEntries(call.url.searchParams)).filter((name) => name !== "ids" && name !== "fields");
  if (others.length > 0) throw problem("invalid_input", { faults: [{ path: ["ids"], detail: `must not come with "${others[0]}"` }] });
  const ids = query.ids.map((id) => id.toLowerCase());
  const found = await findTogether(
    call.ports.db,
    ids.map((id) => [accountId, id] as const),
    false,
  );
  let characters = 0;
  const data = found.flatMap((inference) => {
    if (!inference) return [];
    const object = shown(inference, call, query.fields);
    const length = writeJson(object).length;
    const fits = !("output" in object) || characters + length <= LISTED_CHARACTERS;
    const shorter = fits ? object : { ...object, output: null };
    characters += fits ? length : writeJson(shorter).length;
    return [shorter];
  });
  const missing = ids.filter((_, index) => !found[index]);
  return json({ object: "list", data, next: null, previous: null, missing } satisfies z.infer<typeof listedSchema>);
}

type ListQuery = Omit<z.infer<typeof listQuery>, "ids">;

/** A page of an account's inferences, or of all accounts'; each with `more`. */
export async function listed(
  call: Call,
  query: ListQuery,
  accountId: string | null,
  more: (inference: Inference) => object = () => ({}),
): Promise<Response> {
  const place = placeOf(query, accountId);
  const walked = await listPage(call.ports.db, { accountId, ...place }, filterIn(query), query.limit);
  const page = fitting(walked, (it) => ({ ...more(it), ...shown(it, call, query.fields) }));
  const inWalk = place.backwards ? page.rows.toReversed() : page.rows;
  const inferences = inWalk.map(({ inference }) => inference);
  const at = (it: { accountId: string; id: string } | null | undefined, including = false) =>
    it ? cursorAt(it, query, accountId, including) : null;
  // A page that comes from another has that one beside it: from an empty page, with the row that it came from.
  const beside = (it: Inference | undefined) => (it ? at(it) : at(place.from, true));
  const next = place.backwards ? beside(inferences.at(-1)) : at(page.next);
  const previous = place.backwards ? at(page.next) : place.from && beside(inferences[0]);
  const links = [
    ["next", "after", next],
    ["prev", "before", previous],
  ] as const;
  const headers = links.flatMap(([relation, parameter, cursor]) =>
    cursor === null ? [] : [`<${pageUrl(call, parameter, cursor)}>; rel="${relation}"`],
  );
  const body = {
    object: "list",
    data: inWalk.map(({ object }) => object),
    next,
    previous,
  } satisfies z.infer<typeof listedSchema>;
  return json(body, headers.length > 0 ? { headers: { Link: headers.join(", ") } } : {});
}

interface Listed {
  readonly inference: Inference;
  readonly object: z.infer<typeof listedSchema>["data"][number];
}

/** As many of a page's inferences, as they are shown, as LISTED_CHARACTERS let through, but one at least; and where the walk goes on. */
function fitting(
  { inferences, next }: Page,
  show: (inference: Inference) => Listed["object"],
): { rows: readonly Listed[]; next: Cursor | null } {
  const rows: Listed[] = [];
  let characters = 0;
  for (const inference of inferences) {
    const object = show(inference);
    characters += writeJson(object).length;
    const last = rows.at(-1)?.inference;
    if (last && characters > LISTED_CHARACTERS) return { rows, next: { accountId: last.accountId, id: last.id } };
    rows.push({ inference, object });
  }
  return { rows, next };
}

function pageUrl({ url, origin }: Call, parameter: "after" | "before", cursor: string): string {
  const parameters = new URLSearchParams(url.searchParams);
  parameters.delete("after");
  parameters.delete("before");
  parameters.set(parameter, cursor);
  return `${origin}${url.pathname}?${parameters.toString()}`;
}

function shown(inference: Inference, call: Call, fields: ListQuery["fields"]): z.infer<typeof listedSchema>["data"][number] {
  const whole = present(inference, call);
  return fields ? Object.fromEntries(Object.entries(whole).filter(([name]) => fields.some((field) => field === name))) : whole;
}

/** What a query picks, counted. */
export async function counted(call: Call, query: z.infer<typeof countQuery>, accountId: string | null): Promise<Response> {
  const { counts, next } = await countPage(call.ports.db, { accountId, ...placeOf(query, accountId) }, filterIn(query));
  const errors = counts
    .flatMap(({ status, class: kind, code, count }) =>
      kind === null || code === null || (status !== "failed" && status !== "expired") ? [] : [{ class: kind, code, status, count }],
    )
    .toSorted((one, other) => other.count - one.count);
  return json({ counts: countsOf(counts), errors, next: next && cursorAt(next, query, accountId) } satisfies z.infer<typeof countsSchema>);
}
