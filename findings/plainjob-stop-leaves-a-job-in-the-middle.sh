#!/usr/bin/env bash
# plainjob's `stop` does not wait for the job that runs, and a job that has succeeded is failed if `onCompleted` throws.
# Package: plainjob 0.0.14 (npm), on the SQLite of Node.
# A good guess: `await worker.stop()` resolves when the worker has finished what it runs, as its own page says beside that line, and what a callback
# does is of no consequence for the job. Seen: it waits for the pause between two looks alone, so the process ends in the middle of a job, which is `processing` until
# its timeout of 30 minutes and then runs again; an error of `onCompleted` is written to the job as its own.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-fund --no-audit node@24.21.0 plainjob@0.0.14
cat > look.mjs <<'JS'
import { DatabaseSync } from "node:sqlite";
import { defineQueue, defineWorker } from "plainjob";

function connect() {
  const database = new DatabaseSync(":memory:");
  const transaction = (work) => {
    const run = (...values) => {
      database.exec("BEGIN IMMEDIATE");
      const result = work(...values);
      database.exec("COMMIT");
      return result;
    };
    return Object.assign(run, { immediate: run });
  };
  const pragma = (text) => database.exec(`PRAGMA ${text}`);
  const [exec, prepare] = [database.exec.bind(database), database.prepare.bind(database)];
  return { driver: "better-sqlite3", filename: ":memory:", pragma, exec, prepare, transaction, close: () => database.close() };
}
const quiet = { error() {}, warn() {}, info() {}, debug() {} };
const states = ["pending", "processing", "done", "failed"];
async function run(onCompleted) {
  const connection = connect();
  const queue = defineQueue({ connection, logger: quiet });
  const told = [];
  const begun = Promise.withResolvers();
  const work = async () => {
    begun.resolve();
    await new Promise((resolve) => setTimeout(resolve, 300));
    told.push("finished");
  };
  const worker = defineWorker("model", work, { queue, logger: quiet, pollIntervall: 20, onCompleted });
  queue.add("model", { prompt: "a cat" });
  const running = worker.start();
  const state = () => states[connection.prepare("SELECT status FROM plainjob_jobs").get().status];
  await begun.promise;
  await worker.stop();
  told.push(`stopped, ${state()}`);
  await running;
  told.push(state());
  return told.join("; ");
}
const seen = {
  "a job": await run(),
  "onCompleted throws": await run(() => { throw new Error("the webhook was refused"); }),
};
console.log(seen);
process.exit(Object.values(seen).join() === ["stopped, processing; finished; done", "stopped, processing; finished; failed"].join() ? 0 : 1);
JS
node_modules/.bin/node look.mjs
