/** Writes the operator's calls down in the audit log: see audit/store.ts. */
import * as z from "zod";
import { type Operator, beginEntry, endEntry } from "../audit/store.ts";
import { withoutBigints } from "../encoding/json.ts";
import { bestEffort } from "../inferences/hints.ts";
import { AUDIT_CHANGE_CHARACTERS, AUDIT_TARGET_CHARACTERS, AUDIT_TEXT_CHARACTERS } from "../limits.ts";
import { Problem } from "../problem.ts";
import type { Database } from "../platform/sql.ts";
import { networkOf } from "./address.ts";

/** What is looked at of a call. */
interface Caller {
  readonly request: Request;
  readonly requestId: string;
  readonly params: Readonly<Record<string, string>>;
  readonly ports: { readonly db: Database };
  /** Whoever the guard has let in. */
  readonly operator?: Operator;
}

/** A call of the operator, and what it asks for: the path of its route and its JSON body as sent. No such body takes a secret. */
export interface Asked {
  readonly path: string;
  readonly sent: unknown;
}

/** Runs it between its two writes. If the first fails, it is not run. */
export async function audited(call: Caller, { path, sent }: Asked, run: () => Response | Promise<Response>): Promise<Response> {
  const { operator } = call;
  if (!operator) throw new Error("an operator's call came past its guard");
  const { db } = call.ports;
  const { request, requestId, params } = call;
  const target = Object.values(params).join("/").slice(0, AUDIT_TARGET_CHARACTERS);
  const id = await beginEntry(db, {
    operator,
    address: networkOf(request),
    requestId,
    method: request.method,
    route: path.replaceAll(/:(\w+)/g, "{$1}"),
    target: target || null,
    change: shortened(sent ?? null),
  });
  const end = (status: number, made: string | null) => bestEffort("audit_not_ended", endEntry(db, id, status, made));
  let response: Response;
  try {
    response = await run();
  } catch (error) {
    await end(error instanceof Problem ? error.status : 500, null);
    throw error;
  }
  await end(response.status, response.status === 201 ? await madeBy(response) : null);
  return response;
}

const madeSchema = z.object({ id: z.string().optional(), name: z.string().optional() });

/** What a call that creates something has made, by the id or name in its answer. */
async function madeBy(response: Response): Promise<string | null> {
  const made = madeSchema.parse(await response.clone().json());
  return made.id ?? made.name ?? null;
}

/** JSON of bounded length: long texts are cut, and if it is still too long, long members are left out. */
export function shortened(value: unknown): string {
  const known = withoutBigints(value);
  const text = JSON.stringify(known, (_, member: unknown) => (typeof member === "string" ? cut(member) : member));
  if (text.length <= AUDIT_CHANGE_CHARACTERS) return text;
  if (known === null || typeof known !== "object") return "null";
  const members = Object.entries(known).map(([name, member]): [string, unknown] => {
    const its = JSON.stringify(member);
    return [name, its.length <= AUDIT_TEXT_CHARACTERS ? member : LEFT_OUT];
  });
  return JSON.stringify(Object.fromEntries(members)).slice(0, AUDIT_CHANGE_CHARACTERS);
}

const LEFT_OUT = "…";
const cut = (text: string) => (text.length <= AUDIT_TEXT_CHARACTERS ? text : `${text.slice(0, AUDIT_TEXT_CHARACTERS)}${LEFT_OUT}`);
