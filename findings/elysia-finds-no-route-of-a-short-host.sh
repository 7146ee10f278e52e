#!/usr/bin/env bash
# Elysia answers 404 to every path if its host has three letters, or fewer, and no port.
# Packages: elysia 1.4.30 (npm); node 24.21.0 (npm). A good guess: a route is found by its path, whatever the host is called; so a service
# that Docker or Kubernetes names `api`, `gpu` or `llm` answers at http://gpu/infer as at http://gpu:8000/infer. Seen: the path is looked for
# behind the eleventh character of the URL, so that of http://gpu/infer is not found, and each route of that host is NOT_FOUND.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 elysia@1.4.30
cat > look.mjs <<'JS'
import { Elysia } from "elysia";

const app = new Elysia().get("/infer", () => "ok");
const seen = [];
for (const host of ["gpu", "gpu:8000", "model", "localhost"]) {
  const { status } = await app.handle(new Request(`http://${host}/infer`));
  console.log(`http://${host}/infer`.padEnd(24), status);
  seen.push(status);
}
process.exit(seen.join() === "404,200,200,200" ? 0 : 1);
JS
./node_modules/.bin/node look.mjs
