#!/usr/bin/env bash
# ratelimit-header-parser reads the newer form of the `RateLimit` header as limits that are NaN.
# Package: ratelimit-header-parser 0.1.0 (npm), the newest. A good guess: a form that it does not know is no information, which is
# `undefined`, as it is where there is no header; or it is read. Seen: of `RateLimit: "read";r=19;t=1` (a list of RFC 9651, as the draft
# has it from its ninth version) it gives an object of NaN and an invalid date, so `remaining > 0` is false, and a client that waits until
# `reset` waits for no time at all.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund ratelimit-header-parser@0.1.0
cat > look.mjs <<'JS'
import { parseRateLimit } from "ratelimit-header-parser";

const read = (headers) => parseRateLimit(new Headers(headers));
const older = read({ RateLimit: "limit=20, remaining=19, reset=1" });
const newer = read({ RateLimit: '"read";r=19;t=1', "RateLimit-Policy": '"read";q=20;w=1' });
const none = read({});
console.log("older form:", older);
console.log("newer form:", newer);
console.log("no header:", none);
process.exit(older.remaining === 19 && newer !== undefined && [newer.limit, newer.remaining, Number(newer.reset)].every(Number.isNaN) && none === undefined ? 0 : 1);
JS
node look.mjs
