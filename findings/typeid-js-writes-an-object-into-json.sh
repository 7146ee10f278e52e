#!/usr/bin/env bash
# typeid-js writes an id into JSON as an object of its prefix and suffix.
# Packages: typeid-js 1.2.0 (npm); node 24.21.0 (npm). A good guess: `JSON.stringify({id: typeid("job")})` has the text that `toString` and a
# template give, as a URL's or a Date's does. Seen: `{"id":{"prefix":"job","suffix":"..."}}`: an answer that forgets `toString` has an object
# for an id, and a column of JSON too, while a log line in a template shows the text; and two equal ids are never `===`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 typeid-js@1.2.0
cat > look.mjs <<'JS'
import { TypeID } from "typeid-js";

const text = "job_01h455vb4pex5vsknk084sn02q";
const id = TypeID.fromString(text);
console.log("in a template:", `${id}`);
console.log("in JSON:      ", JSON.stringify({ id }));
process.exit(`${id}` === text && JSON.stringify(id) === '{"prefix":"job","suffix":"01h455vb4pex5vsknk084sn02q"}' && id !== TypeID.fromString(text) ? 0 : 1);
JS
./node_modules/.bin/node look.mjs
