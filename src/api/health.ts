/** `GET /healthz`: whether this Worker answers. It asks nothing of storage, so that a call without a key causes no load there. */
import * as z from "zod";
import { json } from "../http/answer.ts";
import { problemDetails, problemSchema } from "../http/problem-details.ts";
import { type Dialect, route } from "../http/route.ts";

const shape = {
  summary: "Ask whether the service answers.",
  answers: { 200: { description: "It does.", json: z.object({ status: z.literal("ok") }) } },
} as const;

export const health: Dialect = {
  name: "health",
  title: "Health",
  owns: (path) => path === "/healthz",
  error: problemSchema,
  routes: [route("open", "GET", "/healthz", shape, () => json({ status: "ok" }))],
  refuse: problemDetails,
};
