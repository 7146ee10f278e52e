#!/usr/bin/env bash
# oRPC carries NaN, 5n, an invalid Date and undefined, and makes null of an infinity.
# Packages: @orpc/server and @orpc/client 1.16.1 (npm); node 24.21.0 (npm). A good guess: a protocol that has a kind for NaN has one for the
# infinities, or refuses them; a log probability of minus infinity is one of a model's usual answers. Seen: NaN comes as NaN, and both
# infinities as null, in both directions and inside a list; -0 is 0, and a Uint8Array an object of its indices. None is an error.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 @orpc/server@1.16.1 @orpc/client@1.16.1
cat > look.mjs <<'JS'
import { createORPCClient } from "@orpc/client";
import { RPCLink } from "@orpc/client/fetch";
import { os } from "@orpc/server";
import { RPCHandler } from "@orpc/server/fetch";

let got;
const values = () => [NaN, Infinity, -Infinity, -0, 5n, new Uint8Array([1, 2])];
const handler = new RPCHandler({ infer: os.handler(({ input }) => ((got = input), values())) });
const fetch = async (request) => (await handler.handle(request, { prefix: "/rpc" })).response;
const client = createORPCClient(new RPCLink({ url: "http://localhost/rpc", fetch }));
const told = (list) => list.map((value) => (Object.is(value, -0) ? "-0" : value === null || typeof value !== "object" ? String(value) : JSON.stringify(value))).join(" ");
const back = told(await client.infer(values()));
console.log("sent:       NaN Infinity -Infinity -0 5n Uint8Array(2)");
console.log("the server:", told(got));
console.log("the client:", back);
process.exit(told(got) === back && back === 'NaN null null 0 5 {"0":1,"1":2}' ? 0 : 1);
JS
./node_modules/.bin/node look.mjs
