#!/usr/bin/env bash
# Bree runs a job of "every hour" once a day, one of "every minute" once an hour, and one of "every day at 5:00 pm" on the first of the month.
# Package: bree 9.2.9 (npm), with its parser @breejs/later 4.2.0.
# A good guess: "every hour" means "every 1 hour", and words that the parser can't read are refused, as "every monday" is. Seen: without a
# number the unit's first value is taken, so that "every day" is the first of the month and "every week" the first of the year; the parser
# says at which letter it gave up, and Bree takes what stands before. "every 90 minutes" is each hour, and "1,000 seconds" is one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund bree@9.2.9 @breejs/later@4.2.0
touch job.js
cat > look.mjs <<'JS'
import later from "@breejs/later";
import Bree from "bree";

const start = new Date("2026-01-10T10:20:30Z");
const seen = [];
const intervals = [
  "every 1 hour", "every hour", "every minute", "every day", "every week", "every day at 5:00 pm", "every 90 minutes", "1,000 seconds", "every monday",
];
for (const interval of intervals) {
  const bree = new Bree({ root: false, logger: false, jobs: [{ name: "job", path: `${process.cwd()}/job.js`, interval }] });
  const said = await bree.init().then(
    () => {
      const [job] = bree.config.jobs;
      if (typeof job.interval === "number") return `${job.interval} ms`;
      const times = later.schedule(job.interval).next(3, start).slice(1);
      return times.map((time) => time.toISOString().slice(0, 16)).join();
    },
    () => "refused",
  );
  seen.push(said);
  console.log(`${interval}: ${said}`);
}
const wanted = [
  "2026-01-10T11:00,2026-01-10T12:00",
  "2026-01-12T00:00,2026-01-13T00:00",
  "2026-01-10T12:00,2026-01-10T13:00",
  "2026-03-01T00:00,2026-04-01T00:00",
  "2028-01-03T00:00,2029-01-01T00:00",
  "2026-03-01T00:00,2026-04-01T00:00",
  "2026-01-10T12:00,2026-01-10T13:00",
  "1000 ms",
  "refused",
];
process.exit(JSON.stringify(seen) === JSON.stringify(wanted) ? 0 : 1);
JS
node look.mjs
