/** `GET /healthz`: whether this Worker answers. It asks nothing of storage, so that nobody without a key can cause load there. */
import { json } from "../http/answer.ts";
import { own } from "./own.ts";
import type { Dialect } from "../http/route.ts";

export const health: Dialect = {
  ...own,
  owns: (path) => path === "/healthz",
  routes: [{ method: "GET", path: "/healthz", access: "open", handle: () => json({ status: "ok" }) }],
};
