/** Which of an account's inferences, or of all, a list or a bulk change is about; a page of them is a range of the primary key. */
import { earliestId } from "../../ids.ts";
import { ID_MARGIN_MS } from "../../limits.ts";
import { join, sql } from "../../platform/sql.ts";
import type { Status } from "../status.ts";
import { among } from "./fragments.ts";

/** Which inferences a bulk call is about; every member narrows. */
export interface Filter {
  statuses: readonly Status[];
  model?: string | undefined;
  errorClass?: string | undefined;
  createdAfter?: number | undefined;
  createdBefore?: number | undefined;
  metadata?: Readonly<Record<string, string>> | undefined;
  capability?: string | undefined;
}

/** A place in the order of all inferences; a bulk call goes on after it. */
export interface Cursor {
  accountId: string;
  id: string;
}

export const matching = (filter: Filter) =>
  join(
    [
      among(filter.statuses),
      ...(filter.model === undefined ? [] : [sql`model = ${filter.model}`]),
      ...(filter.capability === undefined ? [] : [sql`capability = ${filter.capability}`]),
      ...(filter.errorClass === undefined ? [] : [sql`error ->> 'class' = ${filter.errorClass}`]),
      ...(filter.createdAfter === undefined ? [] : [sql`created_at >= ${filter.createdAfter}`]),
      ...(filter.createdBefore === undefined ? [] : [sql`created_at < ${filter.createdBefore}`]),
      ...Object.entries(filter.metadata ?? {}).map(
        ([name, value]) => sql`EXISTS (SELECT 1 FROM json_each(metadata) WHERE json_each.key = ${name} AND json_each.value = ${value})`,
      ),
    ],
    " AND ",
  );

/** Of rows that were created when the filter asks for: the part of the primary key in which they are. */
export const idsOf = ({ createdAfter, createdBefore }: Filter) =>
  join(
    [
      sql`TRUE`,
      ...(createdAfter === undefined ? [] : [sql`id >= ${earliestId(createdAfter - ID_MARGIN_MS)}`]),
      ...(createdBefore === undefined ? [] : [sql`id < ${earliestId(createdBefore + ID_MARGIN_MS)}`]),
    ],
    " AND ",
  );

/** The next rows after a cursor, in the order of the primary key: of one account, or of all. */
export const pageAfter = (cursor: Cursor, whole: boolean, limit: number) =>
  whole
    ? sql`SELECT account_id, id FROM inferences WHERE (account_id, id) > (${cursor.accountId}, ${cursor.id}) ORDER BY account_id, id LIMIT ${limit}`
    : sql`SELECT account_id, id FROM inferences WHERE account_id = ${cursor.accountId} AND id > ${cursor.id} ORDER BY id LIMIT ${limit}`;
