#!/usr/bin/env bash
# pg-boss chooses the jobs of a batch by priority and age, and hands them over in no order.
# Package: pg-boss 12.38.0 with @electric-sql/pglite 0.5.14, the PostgreSQL that it names for use in one process; node 24.21.0 (npm). A good
# guess: a batch comes as its jobs would come one by one, the highest priority first and then the oldest, since its types say that jobs are
# always fetched in priority order and creation order. Seen: fetched one by one they are. In a batch of eight the urgent one stands anywhere,
# and the others do, too; so it is in what `work` gives its handler.
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
const send = async () => {
  for (let n = 1; n <= 8; n++) await boss.send("model", { n }, { priority: n === 7 ? 10 : 0 });
};
const numbers = (jobs) => jobs.map(({ data }) => data.n).join(" ");

await send();
const single = [];
for (let n = 1; n <= 8; n++) single.push(...(await boss.fetch("model")));
console.log("one by one: ", numbers(single));
const batches = [];
for (let round = 0; round < 4; round++) {
  await send();
  batches.push(numbers(await boss.fetch("model", { batchSize: 8 })));
  console.log("in a batch: ", batches.at(-1));
}
await send();
const handled = await new Promise((resolve) => boss.work("model", { batchSize: 8, pollingIntervalSeconds: 0.5 }, async (jobs) => resolve(numbers(jobs))));
console.log("to a worker:", handled);
const inOrder = "7 1 2 3 4 5 6 8";
const mixed = [...batches, handled];
const whole = mixed.every((batch) => batch.split(" ").toSorted().join(" ") === "1 2 3 4 5 6 7 8");
process.exit(numbers(single) === inOrder && whole && mixed.filter((batch) => batch !== inOrder).length > 2 ? 0 : 1);
JS
./node_modules/.bin/node look.mjs
