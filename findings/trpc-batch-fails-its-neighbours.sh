#!/usr/bin/env bash
# tRPC fails all calls of a batch if the result of one can't be written as JSON, and does not abort one that is aborted.
# Packages: @trpc/server and @trpc/client 11.25.2 (npm); node 24.21.0 (npm). A good guess: each call of a batch has its own result or error, as
# it does where a procedure throws (207); and a call whose signal is aborted rejects at once, whoever shares its request, as it does by
# `httpLink`. Seen: one BigInt makes the whole batch a 500, and each caller is told of it. An aborted call resolves when its batch does.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 @trpc/server@11.25.2 @trpc/client@11.25.2 typescript@5.9.3
cat > look.mjs <<'JS'
import { once } from "node:events";
import { createServer } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { createTRPCClient, httpBatchLink, httpLink } from "@trpc/client";
import { initTRPC } from "@trpc/server";
import { createHTTPHandler } from "@trpc/server/adapters/standalone";

const t = initTRPC.create();
const router = t.router({
  good: t.procedure.query(() => "good"),
  large: t.procedure.query(() => 2n ** 60n),
  broken: t.procedure.query(() => { throw new Error("broken"); }),
  slow: t.procedure.query(() => wait(600, "slow")),
});
const server = createServer(createHTTPHandler({ router })).listen(0, "127.0.0.1");
await once(server, "listening");
const url = `http://127.0.0.1:${server.address().port}`;
const told = async (calls) => (await Promise.allSettled(calls)).map(({ value, reason }) => value ?? reason.message);
const seen = {};
for (const link of [httpLink, httpBatchLink]) {
  const client = createTRPCClient({ links: [link({ url })] });
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 100);
  const [aborted] = await told([client.slow.query(undefined, { signal: controller.signal }), client.slow.query()]);
  seen[link.name] = { throws: await told([client.good.query(), client.broken.query()]), large: (await told([client.good.query(), client.large.query()]))[0], aborted };
  console.log(link.name, JSON.stringify(seen[link.name]));
}
server.closeAllConnections();
server.close();
const { httpLink: single, httpBatchLink: batch } = seen;
const same = single.throws.join() === "good,broken" && batch.throws.join() === "good,broken";
process.exit(same && single.large === "good" && batch.large.includes("BigInt") && /abort/u.test(single.aborted) && batch.aborted === "slow" ? 0 : 1);
JS
./node_modules/.bin/node look.mjs
