#!/usr/bin/env bash
# chanfana refuses a request that leaves an optional header out, or gives an empty value or a list of numbers in its query.
# Packages: chanfana 3.4.0, hono 4.13.19 and zod 4.6.7 (npm); node 24.21.0 (npm). A good guess: `z.string().optional()` of a header takes a
# request without it; `?after=` is an empty text; and `?seed=1&seed=2` is read as numbers as `?seed=1` is for a number. Seen: what is
# absent or empty has become null, which an optional text is not, and the members of a list stay texts, so no list of numbers is ever right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 chanfana@3.4.0 hono@4.13.19 zod@4.6.7
cat > look.mjs <<'JS'
import { fromHono, OpenAPIRoute } from "chanfana";
import { Hono } from "hono";
import { z } from "zod";

const route = (request) =>
  class extends OpenAPIRoute {
    schema = { request };
    handle = async (c) => c.json(await this.getValidatedData());
  };
const app = fromHono(new Hono());
app.get("/header", route({ headers: z.object({ "x-priority": z.string().optional() }) }));
app.get("/query", route({ query: z.object({ after: z.string().optional(), one: z.number().optional(), seed: z.array(z.number()).optional() }) }));
const seen = [];
for (const [path, headers] of [["/header", { "x-priority": "high" }], ["/header", {}], ["/query?one=1", {}], ["/query?after=", {}], ["/query?seed=1&seed=2", {}]]) {
  const response = await app.fetch(new Request(`http://localhost${path}`, { headers }));
  seen.push(response.status);
  console.log(path, JSON.stringify(headers), response.status, await response.text());
}
process.exit(seen.join() === "200,400,200,400,400" ? 0 : 1);
JS
./node_modules/.bin/node look.mjs
