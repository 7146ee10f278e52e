#!/usr/bin/env bash
# svix's Webhook.verify returns nothing, and finds no signature in a Headers object.
# Package: svix 2.5.0 (npm). A good guess: as in version 1, verify(body, headers) returns the payload, and takes what fetch and every
# server of the web standard gives as headers. Seen: a valid signature returns undefined, and the same headers as a Headers object
# raise "Missing required headers".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund svix@2.5.0
cat > look.mjs <<'JS'
import { createHmac } from "node:crypto";
import { Webhook } from "svix";

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const body = JSON.stringify({ type: "a.b", data: {} });
const at = String(Math.floor(Date.now() / 1000));
const signature = createHmac("sha256", Buffer.from(secret.slice(6), "base64")).update(`msg_1.${at}.${body}`).digest("base64");
const headers = { "svix-id": "msg_1", "svix-timestamp": at, "svix-signature": `v1,${signature}` };

const returned = new Webhook(secret).verify(body, headers);
let raised = "nothing";
try {
  new Webhook(secret).verify(body, new Headers(headers));
} catch (error) {
  raised = error.message;
}
console.log("returned:", returned);
console.log("raised for Headers:", raised);
process.exit(returned === undefined && raised === "Missing required headers" ? 0 : 1);
JS
node look.mjs
