#!/usr/bin/env bash
# LangChain's JavaScript client heeds the Retry-After of a 429 and ignores that of a 503, and repeats what it is told not to.
# Packages: @langchain/openai 1.6.0, @langchain/core 1.4.0, openai 7.59.0; node 24.21.0 (npm).
# A good guess: it calls OpenAI's client, so it waits as that does: for the Retry-After of both, and not at all with `x-should-retry: false`.
# Seen: told 5 seconds by a 503, it asks again within three, and told `x-should-retry: false` it repeats a 503 too; OpenAI's client waits,
# and gives up. A 429 with 3 seconds is waited for, one without Retry-After is not repeated at all.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund node@24.21.0 @langchain/openai@1.6.0 @langchain/core@1.4.0 openai@7.59.0
export PATH="$PWD/node_modules/node/bin:$PATH"
cat > look.mjs <<'JS'
import { createServer } from "node:http";
import { ChatOpenAI } from "@langchain/openai";
import OpenAI from "openai";

const good = { id: "1", object: "chat.completion", created: 1, model: "m", choices: [{ index: 0, message: { role: "assistant", content: "hi" }, finish_reason: "stop" }] };
let calls;
let refusal;
const server = createServer((request, response) => {
  request.resume().on("end", () => {
    calls.push(Date.now());
    const [status, headers] = calls.length === 1 ? refusal : [200, {}];
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(status === 200 ? good : { error: { message: "not now" } }));
  });
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const baseURL = `http://127.0.0.1:${server.address().port}/v1`;
const openai = new OpenAI({ apiKey: "key", baseURL });
const langchain = new ChatOpenAI({ model: "m", apiKey: "key", configuration: { baseURL } });
async function outcome(ask) {
  calls = [];
  await ask().catch(() => "refused");
  return calls.length === 1 ? "not repeated" : (calls[1] - calls[0]) / 1_000;
}
const cases = {
  "503, Retry-After: 5": [503, { "retry-after": "5" }],
  "503, x-should-retry: false": [503, { "x-should-retry": "false" }],
  "429, Retry-After: 3": [429, { "retry-after": "3" }],
  429: [429, {}],
};
const seen = {};
for (const name of ["503, Retry-After: 5", "503, x-should-retry: false", "429, Retry-After: 3", 429]) {
  refusal = cases[name];
  seen[name] = [await outcome(() => langchain.invoke("x")), await outcome(() => openai.chat.completions.create({ model: "m", messages: [] }))];
  console.log(`${name}: LangChain ${seen[name][0]}, openai ${seen[name][1]} (seconds until the second call)`);
}
const after = seen["503, Retry-After: 5"];
const told = seen["503, x-should-retry: false"];
const limit = seen["429, Retry-After: 3"];
const holds = after[0] < 4 && after[1] >= 4.9 && told[0] < 4 && told[1] === "not repeated" && limit.every((s) => s >= 2) && seen[429][0] === "not repeated" && seen[429][1] < 4;
process.exit(holds ? 0 : 1);
JS
node look.mjs
