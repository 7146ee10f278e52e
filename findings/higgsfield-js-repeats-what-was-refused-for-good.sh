#!/usr/bin/env bash
# Higgsfield's JavaScript client sends an order again that was refused for good, and gives a job up whose poll was refused once.
# Package: @higgsfield/client 0.2.6 (npm).
# A good guess: an order that is answered 401 or 422 rejects at once, a poll that is answered 503 is repeated, as the client's source means to,
# and a request that was canceled ends the wait. Seen: both look for an AxiosError, of which the client has made errors of its own before,
# so that each refusal of an order is repeated `maxRetries` times and none of a poll; "canceled" is polled to the end of `maxPollTime`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund @higgsfield/client@0.2.6
cat > look.cjs <<'JS'
const { createServer } = require("node:http");
const { createHiggsfieldClient } = require("@higgsfield/client/v2");

let order, poll, status, orders, polls;
const server = createServer((request, response) => {
  const send = (code, value) => response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(value));
  request.resume().on("end", () => {
    if (request.method === "POST") {
      orders += 1;
      return order === 200 ? send(200, { status: "queued", request_id: "1" }) : send(order, { detail: "no" });
    }
    polls += 1;
    const refused = polls === 1 && poll !== 200;
    send(refused ? poll : 200, refused ? { detail: "try again" } : { status, request_id: "1" });
  });
});
server.listen(0, "127.0.0.1", async () => {
  const baseURL = `http://127.0.0.1:${server.address().port}`;
  const options = { baseURL, credentials: "id:secret", maxRetries: 2, retryBackoff: 1, retryMaxBackoff: 10, pollInterval: 20, maxPollTime: 1000 };
  const client = createHiggsfieldClient(options);
  const seen = [];
  for ([order, poll, status] of [[200, 200, "completed"], [401, 200, ""], [422, 200, ""], [200, 503, "completed"], [200, 200, "canceled"]]) {
    [orders, polls] = [0, 0];
    const said = await client.subscribe("m", { input: {} }).then((answer) => answer.status, (error) => error.constructor.name);
    seen.push(`${said} ${orders} ${Math.min(polls, 2)}`);
    console.log(`order ${order}, first poll ${poll}, then ${status || "nothing"}: ${said}, after ${orders} orders and ${polls} polls`);
  }
  const wanted = ["completed 1 1", "AuthenticationError 3 0", "ValidationError 3 0", "APIError 1 1", "TimeoutError 1 2"];
  process.exit(JSON.stringify(seen) === JSON.stringify(wanted) ? 0 : 1);
});
JS
node look.cjs
