/** docs/monitoring.md, the alert rules and the dashboard speak of the metrics that there are. */
import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { SHOWN_METRICS, metricOf } from "../../src/metrics/list.ts";

const fileOf = (path: string) => new URL(`../../${path}`, import.meta.url);
const text = (path: string) => readFileSync(fileOf(path), "utf8");

const GUIDE = "docs/monitoring.md";
const BEGIN = "<!-- made from src/metrics/list.ts: begin -->\n";
const END = "<!-- made from src/metrics/list.ts: end -->";

function tableOfMetrics(): string {
  const rows = SHOWN_METRICS.map(metricOf).map(({ name, type, labels, help }) => {
    const its = labels.map((label) => `\`${label}\``).join(", ");
    return `| \`${name}\` | ${type} | ${its} | ${help.replaceAll("|", "\\|")} |`;
  });
  return ["| metric | type | labels | meaning |", "| --- | --- | --- | --- |", ...rows, ""].join("\n");
}

test("the table of metrics is made from their list", () => {
  const guide = text(GUIDE);
  const [before = "", rest = ""] = guide.split(BEGIN);
  const [, after = ""] = rest.split(END);
  const made = `${before}${BEGIN}${tableOfMetrics()}${END}${after}`;
  if (process.env["MAKE_TABLES"]) writeFileSync(fileOf(GUIDE), made);
  expect(guide, `run this test with MAKE_TABLES=1`).toBe(made);
});

test("alerts and dashboard ask for metrics and labels of the list alone", () => {
  const suffixes = { counter: [""], gauge: [""], histogram: ["_bucket", "_sum", "_count"] };
  const known = new Set(SHOWN_METRICS.map(metricOf).flatMap(({ name, type }) => suffixes[type].map((suffix) => name + suffix)));
  for (const file of ["monitoring/alerts.yml", "monitoring/alerts.test.yml", "monitoring/dashboard.json"]) {
    const asked = [...new Set(text(file).match(/\bclaimcheck_\w+/g))];
    expect(asked.length).toBeGreaterThan(3);
    expect(asked.filter((name) => !known.has(name))).toEqual([]);
  }
});

test("every alert says how bad it is, what to do is in the guide, and each is tried", () => {
  const rules = text("monitoring/alerts.yml");
  const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name = ""]) => name);
  const sections = [...text(GUIDE).matchAll(/^### (\w+)$/gm)].map(([, name = ""]) => name);
  expect(sections).toEqual(alerts);
  expect(rules.match(/severity: (?:warning|critical)/g)).toHaveLength(alerts.length);
  const runbooks = [...rules.matchAll(/runbook: (\S+)/g)].map(([, link]) => link);
  expect(runbooks).toEqual(alerts.map((name) => `${GUIDE}#${name.toLowerCase()}`));
  const tests = text("monitoring/alerts.test.yml");
  expect(alerts.filter((name) => !tests.includes(`alertname: ${name}\n        exp_alerts:`))).toEqual([]);
});
