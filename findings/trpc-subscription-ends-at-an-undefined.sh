#!/usr/bin/env bash
# A subscription of tRPC that yields undefined ends at its client with "is not valid JSON", and loses what came just before.
# Packages: @trpc/server and @trpc/client 11.25.2 (npm), eventsource 5.1.5 (npm); node 24.21.0 (npm). A good guess: it is passed on as
# undefined, as the same client does for a query's result and for a stream by `httpBatchStreamLink`, or left out. Seen: the server writes
# `data: undefined`, which the client can't read. The value before it, which was sent in the same piece, is not given to the caller either.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 @trpc/server@11.25.2 @trpc/client@11.25.2 eventsource@5.1.5 typescript@5.9.3
cat > look.mjs <<'JS'
import { once } from "node:events";
import { createServer } from "node:http";
import { createTRPCClient, httpBatchStreamLink, httpSubscriptionLink } from "@trpc/client";
import { initTRPC } from "@trpc/server";
import { createHTTPHandler } from "@trpc/server/adapters/standalone";
import { EventSource } from "eventsource";

const t = initTRPC.create();
async function* tokens() {
  yield "a";
  yield undefined;
  yield "b";
}
const router = t.router({ query: t.procedure.query(tokens), subscription: t.procedure.subscription(tokens) });
const server = createServer(createHTTPHandler({ router })).listen(0, "127.0.0.1");
await once(server, "listening");
const url = `http://127.0.0.1:${server.address().port}`;

const streamed = [];
for await (const token of await createTRPCClient({ links: [httpBatchStreamLink({ url })] }).query.query()) streamed.push(String(token));
const subscribed = [];
await new Promise((resolve) => {
  const onData = (data) => subscribed.push(String(data));
  const onError = ({ message }) => resolve(subscribed.push(message));
  createTRPCClient({ links: [httpSubscriptionLink({ url, EventSource })] }).subscription.subscribe(undefined, { onData, onError, onStopped: resolve });
});
server.closeAllConnections();
server.close();
console.log("a stream:      ", streamed.join(", "));
console.log("a subscription:", subscribed.join(", "));
process.exit(streamed.join() === "a,undefined,b" && subscribed.at(-1) === '"undefined" is not valid JSON' ? 0 : 1);
JS
./node_modules/.bin/node look.mjs
