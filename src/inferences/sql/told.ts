/** SQL on who is to be told of a change of an inference. */
import { sql } from "../../platform/sql.ts";

/**
 * Who is to be told of a change: the account, the inference, and at which of the account's watch objects somebody watches, as
 * bits; NULL if nobody does. Each statement that changes a status returns it, and the database of `telling` (tell.ts) reads it.
 */
export const toldTo = sql`(SELECT json_array(inferences.account_id, inferences.id, objects) FROM (SELECT
    iif(inferences.watched_until > inferences.updated_at, inferences.watch_objects, 0) | coalesce((SELECT
      iif(watched_until > inferences.updated_at, watch_objects, 0) FROM accounts WHERE accounts.id = inferences.account_id), 0) AS objects)
  WHERE objects > 0) AS toldTo`;

/** The same of one that was just submitted, which only who watches its whole account may know of. */
export const toldOfNew = sql`(SELECT json_array(inferences.account_id, inferences.id, watch_objects) FROM accounts
  WHERE accounts.id = inferences.account_id AND watched_until > inferences.created_at) AS toldTo`;
