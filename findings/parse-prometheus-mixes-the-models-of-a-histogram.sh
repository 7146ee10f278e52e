#!/usr/bin/env bash
# parse-prometheus-text-format makes one histogram of those of two models, without labels, sum and count.
# Package: parse-prometheus-text-format 1.1.1 (npm).
# A good guess: each set of labels is a metric of its own, as it is for counters and gauges. Model servers label each histogram with the
# model's name, one model or many. Seen: with two models there is one entry that has the buckets of the one that comes last, and neither
# `sum` nor `count`; with one model its label, sum and count are lost too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund parse-prometheus-text-format@1.1.1
cat > look.mjs <<'JS'
import module from "parse-prometheus-text-format";

const parse = module.default ?? module;
const lines = (model, half, all) => {
  const labels = model ? `model_name="${model}"` : "";
  const bucket = (le, count) => `wait_bucket{${labels}${labels && ","}le="${le}"} ${count}`;
  const braces = labels && `{${labels}}`;
  return `${bucket("0.5", half)}\n${bucket("+Inf", all)}\nwait_sum${braces} ${all * 2}\nwait_count${braces} ${all}\n`;
};
const read = (text) => JSON.stringify(parse(text)[0].metrics);
const seen = {
  "no label": read(`# TYPE wait histogram\n${lines("", 1, 2)}`),
  "one model": read(`# TYPE wait histogram\n${lines("a", 1, 2)}`),
  "two models": read(`# TYPE wait histogram\n${lines("a", 1, 2)}${lines("b", 5, 6)}`),
  "gauges of two models": read('# TYPE queued gauge\nqueued{model_name="a"} 1\nqueued{model_name="b"} 5\n'),
};
console.log(seen);
const [bare, one, two, gauges] = Object.values(seen).map((text) => JSON.parse(text));
const mixed = JSON.stringify(two) === '[{"buckets":{"0.5":"5","+Inf":"6"}}]';
const whole = bare.length === 1 && bare[0].sum === "4" && bare[0].count === "2";
process.exit(whole && one.length === 1 && one[0].labels === undefined && mixed && gauges.length === 2 && gauges[1].labels.model_name === "b" ? 0 : 1);
JS
node look.mjs
