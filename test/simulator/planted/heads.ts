/** Planted bugs of the heads of lanes: what the index by account lacks is looked for there. */
import { type Mutation, begins, both, within } from "./rewrite.ts";

const SUBMIT = begins("INSERT INTO inferences");
const CLAIM_WHOLE = begins("UPDATE inferences SET status = 'in_progress'", "WITH RECURSIVE full");
const COMES_BACK = ["UPDATE inferences SET status = 'queued'", "UPDATE inferences SET not_before = NULL"] as const;

export const HEAD_BUGS: readonly Mutation[] = [
  {
    name: "a submit pushes out of its lane's head what the index lacks",
    rewrite: within(SUBMIT, "OR (SELECT min(by_account)", "OR 1 OR (SELECT min(by_account)"),
  },
  {
    name: "what comes back pushes out of its lane's head what the index lacks",
    rewrite: within(begins("--", "CREATE TABLE inferences"), "SET by_account = 1 WHERE by_account = 0", "SET by_account = 1 WHERE 0"),
  },
  {
    name: "what comes back is left out of the index",
    rewrite: both(...COMES_BACK.map((beginning) => within(begins(beginning), "by_account = 1,", "by_account = 0,"))),
  },
  {
    name: "a submit does not look for the account's last in the head of the lane",
    rewrite: within(SUBMIT, "by_account = 0 AND level = ?", "by_account = 2 AND level = ?"),
  },
  {
    name: "a claim past the first in line does not look in the head of the lane",
    rewrite: within(CLAIM_WHOLE, "WHERE by_account = 0", "WHERE by_account = 2"),
  },
];
