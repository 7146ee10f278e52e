#!/usr/bin/env bash
# pg-boss stores a job's input as it is, and wraps its output in another object if that is no object.
# Package: pg-boss 12.38.0 with @electric-sql/pglite 0.5.14, the PostgreSQL that it names for use in one process; node 24.21.0 (npm). A good
# guess: what a job is completed with is read back as its output, as its data is. Seen: a list of scores, a text, a number or `false` comes
# back as `{ value: ... }`, and can't be told from an output that has that form itself; data of each kind comes back as it was. A Map is
# stored as `{}`, and a Date can't be stored at all, while as data it is text.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 pg-boss@12.38.0 @electric-sql/pglite@0.5.14
cat > look.mjs <<'JS'
import { PGlite } from "@electric-sql/pglite";
import { PgBoss, fromPglite } from "pg-boss";

const boss = new PgBoss({ db: fromPglite(await PGlite.create()), backend: "pglite", supervise: false, schedule: false });
await boss.start();
await boss.createQueue("model");
const seen = [];
for (const value of [{ score: 1 }, [0.5, 0.25], "text", 0, false, { value: 0 }, new Map([["a", 1]]), new Date(0)]) {
  const id = await boss.send("model", value);
  await boss.fetch("model");
  const failed = await boss.complete("model", id, value).then(() => undefined, () => "refused");
  const { data, output } = await boss.getJobById("model", id);
  seen.push([JSON.stringify(data), failed ?? JSON.stringify(output)]);
  console.log("data:", seen.at(-1)[0].padEnd(28), "output:", seen.at(-1)[1]);
}
const wrapped = (text) => [text, `{"value":${text}}`];
const same = (text) => [text, text];
const asSeen = [same('{"score":1}'), wrapped("[0.5,0.25]"), wrapped('"text"'), wrapped("0"), wrapped("false"), same('{"value":0}'), same("{}"), ['"1970-01-01T00:00:00.000Z"', "refused"]];
process.exit(JSON.stringify(seen) === JSON.stringify(asSeen) ? 0 : 1);
JS
./node_modules/.bin/node look.mjs
