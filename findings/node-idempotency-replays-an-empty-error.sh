#!/usr/bin/env bash
# node-idempotency answers a repeated request whose first one failed with an empty object in the place of the error.
# Packages: @node-idempotency/core 1.0.11 with @node-idempotency/storage-adapter-memory 1.0.2 (npm).
# A good guess: the second caller is given the error that was handed over, its message at least, and bytes are bytes. Seen: `{}` for an
# Error, and an object with `type` and `data` for bytes, though they never left the process: all is kept as JSON. The same JSON with its
# members in another order is refused as another request.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @node-idempotency/core@1.0.11 @node-idempotency/storage-adapter-memory@1.0.2
cat > look.mjs <<'JS'
import { Idempotency } from "@node-idempotency/core";
import { MemoryStorageAdapter } from "@node-idempotency/storage-adapter-memory";

const storage = new MemoryStorageAdapter();
await storage.connect?.();
const idempotency = new Idempotency(storage, {});
const request = (key, body) => ({ method: "POST", path: "/jobs", headers: { "idempotency-key": key }, body });
const seen = [];
for (const [key, answer] of [["1", { error: new Error("no GPU is free") }], ["2", { body: Buffer.from([1, 255]) }], ["3", { body: "a text" }]]) {
  const first = await idempotency.onRequest(request(key, {}));
  await idempotency.onResponse(request(key, {}), answer);
  seen.push([first, await idempotency.onRequest(request(key, {}))]);
  console.log(answer, "=>", JSON.stringify(seen.at(-1)[1]));
}
await idempotency.onRequest(request("4", { model: "m", input: 1 }));
await idempotency.onResponse(request("4", { model: "m", input: 1 }), { body: "a text" });
const turned = await idempotency.onRequest(request("4", { input: 1, model: "m" })).catch((error) => error.code);
console.log("members in another order:", turned);
const replayed = JSON.stringify(seen.map(([first, second]) => [first ?? null, second.error ?? second.body]));
process.exit(replayed === '[[null,{}],[null,{"type":"Buffer","data":[1,255]}],[null,"a text"]]' && turned === "IDEMPOTENCY_FINGERPRINT_MISSMATCH" ? 0 : 1);
JS
node look.mjs
