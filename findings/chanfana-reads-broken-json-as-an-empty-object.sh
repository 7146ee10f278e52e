#!/usr/bin/env bash
# chanfana reads a body that is broken JSON as `{}`, and runs the handler with it if all members are optional.
# Packages: chanfana 3.4.0, hono 4.13.19 and zod 4.6.7 (npm); node 24.21.0 (npm). A good guess: 400, and the reason is the JSON. Seen: with
# members that are all optional the call is a 200 with nothing in it, so the half of a body that was cut off computes with defaults. With a
# required member the client is told that it is missing, which it is not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 chanfana@3.4.0 hono@4.13.19 zod@4.6.7
cat > look.mjs <<'JS'
import { contentJson, fromHono, OpenAPIRoute } from "chanfana";
import { Hono } from "hono";
import { z } from "zod";

const route = (schema) =>
  class extends OpenAPIRoute {
    schema = { request: { body: contentJson(schema) } };
    handle = async (c) => c.json((await this.getValidatedData()).body);
  };
const app = fromHono(new Hono());
app.post("/optional", route(z.object({ prompt: z.string().optional() })));
app.post("/required", route(z.object({ prompt: z.string() })));
const seen = {};
for (const path of ["/optional", "/required"]) {
  const response = await app.fetch(new Request(`http://localhost${path}`, { method: "POST", headers: { "content-type": "application/json" }, body: '{"prompt": "a c' }));
  seen[path] = [response.status, await response.text()];
  console.log(path, ...seen[path]);
}
process.exit(seen["/optional"].join() === "200,{}" && seen["/required"][0] === 400 && seen["/required"][1].includes("received undefined") ? 0 : 1);
JS
./node_modules/.bin/node look.mjs
