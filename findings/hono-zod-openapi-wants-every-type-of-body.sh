#!/usr/bin/env bash
# A route of @hono/zod-openapi that takes JSON or a form, and requires a body, refuses each of them for lacking the other.
# Packages: @hono/zod-openapi 1.6.3, hono 4.13.19, zod 4.6.7 (npm); node 24.21.0 (npm). A good guess: as two types under `content` of an OpenAPI
# body are alternatives, and the document that it writes says so, a request is checked by the schema of its own type. Seen: with
# `required: true` it is checked by all of them. Valid JSON is 400 for the form's missing file, and a valid form is 400 for the missing
# members of the JSON. Without `required` both are taken, and so is a request without any body.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit --legacy-peer-deps node@24.21.0 @hono/zod-openapi@1.6.3 @hono/zod-validator@0.9.1 hono@4.13.19 zod@4.6.7 \
  @asteasolutions/zod-to-openapi@9.1.0
cat > look.mjs <<'JS'
import { OpenAPIHono, createRoute, z } from "@hono/zod-openapi";

const content = {
  "application/json": { schema: z.object({ url: z.string() }) },
  "multipart/form-data": { schema: z.object({ file: z.any() }) },
};
const responses = { 202: { description: "Accepted" } };
const app = new OpenAPIHono();
for (const [path, required] of [["/required", true], ["/open", undefined]]) {
  app.openapi(createRoute({ method: "post", path, request: { body: { content, required } }, responses }), (c) => c.body(null, 202));
}
const form = () => {
  const body = new FormData();
  body.set("file", new File(["pixels"], "cat.png", { type: "image/png" }));
  return { method: "POST", body };
};
const requests = {
  json: () => ({ method: "POST", headers: { "content-type": "application/json" }, body: '{"url":"https://files.example/cat.png"}' }),
  form,
  "no body": () => ({ method: "POST" }),
};
const seen = [];
for (const path of ["/required", "/open"]) {
  for (const [name, request] of Object.entries(requests)) {
    const response = await app.request(path, request());
    const blamed = response.status === 400 ? ` for ${/"path\W+(\w+)/.exec((await response.text()).replaceAll("\\n", ""))?.[1]}` : "";
    seen.push(`${path}, ${name}: ${response.status}${blamed}`);
  }
}
const { requestBody } = app.getOpenAPI31Document({ openapi: "3.1.0", info: { title: "Jobs", version: "1" } }).paths["/required"].post;
console.log(`${seen.join("\n")}\nthe document says: ${Object.keys(requestBody.content).join(" or ")}, required: ${requestBody.required}`);
const asSeen = ["/required, json: 400 for file", "/required, form: 400 for url", "/required, no body: 400 for url"];
asSeen.push("/open, json: 202", "/open, form: 202", "/open, no body: 202");
process.exit(seen.join() === asSeen.join() ? 0 : 1);
JS
./node_modules/.bin/node look.mjs
