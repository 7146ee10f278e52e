/** Which of an account's inferences, or of all, a list or a bulk change is about; a page of them is a range of the primary key. */
import { earliestId } from "../../ids.ts";
import { ID_MARGIN_MS } from "../../limits.ts";
import { type Sql, join, sql } from "../../platform/sql.ts";
import type { Status } from "../status.ts";
import { among } from "./fragments.ts";

/** Which inferences a bulk call is about; every member narrows. */
export interface Filter {
  statuses: readonly Status[];
  model?: string | undefined;
  version?: string | undefined;
  errorClass?: string | undefined;
  errorCode?: string | undefined;
  createdAfter?: number | undefined;
  createdBefore?: number | undefined;
  finishedAfter?: number | undefined;
  finishedBefore?: number | undefined;
  metadata?: Readonly<Record<string, string>> | undefined;
  capability?: string | undefined;
  /** Of its latest attempt. */
  backendId?: string | undefined;
  dialect?: string | undefined;
  keyId?: string | undefined;
  /** A text, in any case, in its id, its model's name, its metadata, or the message of its error. */
  text?: string | undefined;
}

/** A place in the order of all inferences; a bulk call goes on after it. */
export interface Cursor {
  accountId: string;
  id: string;
}

const equal = (column: Sql, value: string | undefined) => (value === undefined ? [] : [sql`${column} = ${value}`]);

/** What a text is looked for in, on lines of their own, since none stands across two. The JSON of metadata is not what its client wrote. */
const searched = sql`concat_ws(char(10), id, model, error ->> 'message',
  (SELECT group_concat(json_each.key || char(10) || json_each.value, char(10)) FROM json_each(metadata)))`;

export const matching = (filter: Filter) =>
  join(
    [
      among(filter.statuses),
      ...equal(sql`model`, filter.model),
      ...equal(sql`version`, filter.version),
      ...equal(sql`capability`, filter.capability),
      ...equal(sql`backend_id`, filter.backendId),
      ...equal(sql`dialect`, filter.dialect),
      ...equal(sql`key_id`, filter.keyId),
      ...equal(sql`error ->> 'class'`, filter.errorClass),
      ...equal(sql`error ->> 'code'`, filter.errorCode),
      ...(filter.createdAfter === undefined ? [] : [sql`created_at >= ${filter.createdAfter}`]),
      ...(filter.createdBefore === undefined ? [] : [sql`created_at < ${filter.createdBefore}`]),
      ...(filter.finishedAfter === undefined ? [] : [sql`finished_at >= ${filter.finishedAfter}`]),
      ...(filter.finishedBefore === undefined ? [] : [sql`finished_at < ${filter.finishedBefore}`]),
      ...Object.entries(filter.metadata ?? {}).map(
        ([name, value]) => sql`EXISTS (SELECT 1 FROM json_each(metadata) WHERE json_each.key = ${name} AND json_each.value = ${value})`,
      ),
      ...(filter.text === undefined ? [] : [sql`instr(lower(${searched}), lower(${filter.text})) > 0`]),
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
