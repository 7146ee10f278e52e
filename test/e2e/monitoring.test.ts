/**
 * The alert rules and the dashboard, by Prometheus itself: promtool takes them and tries each rule, and a Prometheus that scrapes a
 * deployment fires an alert for each fault that is caused there. Skipped where there is no Prometheus: `PROMETHEUS` names the
 * folder of `prometheus` and `promtool`, by default they are looked for in PATH.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { freePort } from "../../src/local/runtime.ts";
import { ROOT, deploy, endAll, newFolder, until } from "../support/deployment.ts";
import { ok, startGpu } from "../support/gpu.ts";

const MONITORING = join(ROOT, "monitoring");

const folder = [process.env["PROMETHEUS"] ?? "", ...(process.env["PATH"] ?? "").split(delimiter)].find(
  (candidate) => candidate !== "" && existsSync(join(candidate, "prometheus")) && existsSync(join(candidate, "promtool")),
);
const program = (name: "prometheus" | "promtool") => join(folder ?? "", name);

let prometheus: ChildProcess | null = null;
afterAll(async () => {
  if (prometheus?.kill("SIGKILL")) await once(prometheus, "exit");
  endAll();
});

/** Runs promtool; its status, and all that it has printed. */
function promtool(args: readonly string[], input = ""): [status: number | null, output: string] {
  const { status, stdout, stderr } = spawnSync(program("promtool"), args, { cwd: MONITORING, encoding: "utf8", input });
  return [status, stdout + stderr];
}

/** The queries of the dashboard, with what its variables and Grafana's own stand for. */
function queriesOfDashboard(): string[] {
  const { panels } = JSON.parse(readFileSync(join(MONITORING, "dashboard.json"), "utf8")) as {
    panels: readonly { readonly targets?: readonly { readonly expr: string }[] }[];
  };
  return panels.flatMap(({ targets = [] }) =>
    targets.map(({ expr }) => expr.replaceAll("$__rate_interval", "5m").replaceAll("$__range", "1h").replaceAll(/\$\w+/g, ".*")),
  );
}

// A name of a test says why it is skipped, since a skipped one prints nothing else.
describe.skipIf(!folder)("Prometheus, if it is installed or PROMETHEUS names its folder,", () => {
  test("takes the alert rules, and each fires and keeps quiet when it should", () => {
    expect(promtool(["check", "config", "--syntax-only", "prometheus.yml"])).toEqual([0, expect.stringContaining("SUCCESS")]);
    expect(promtool(["check", "rules", "alerts.yml"])).toEqual([0, expect.stringContaining("SUCCESS")]);
    expect(promtool(["test", "rules", "alerts.test.yml"])).toEqual([0, expect.stringContaining("SUCCESS")]);
  });

  test("takes every query of the dashboard", () => {
    const queries = queriesOfDashboard();
    expect(queries.length).toBeGreaterThan(10);
    const rules = queries.map((expr, index) => ({ record: `query_${index}`, expr }));
    const file = join(newFolder(), "queries.json"); // JSON is YAML
    writeFileSync(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
    expect(promtool(["check", "rules", file])).toEqual([0, expect.stringContaining("SUCCESS")]);
  });

  test("scrapes a deployment, and alerts for each fault that is caused there, and for none before", { timeout: 90_000 }, async () => {
    const gpu = await startGpu([ok]);
    const deployment = await deploy({ folder: newFolder() });
    const { admin, url } = deployment;
    const scraped = async () => (await fetch(`${url}/metrics`, { headers: { Authorization: `Bearer ${admin}` } })).text();
    const before = await scraped();
    const [status, said] = promtool(["check", "metrics"], before);
    expect([status, said]).toEqual([0, ""]);

    // The rules themselves, in seconds instead of minutes; and a database that counts as full a little above what it takes now.
    const bytes = Number(/^claimcheck_database_bytes (\d+)$/m.exec(before)?.[1]);
    const limit = Number(/^claimcheck_database_limit_bytes (\d+)$/m.exec(before)?.[1]);
    const rules = readFileSync(join(MONITORING, "alerts.yml"), "utf8")
      .replaceAll(/for: \d+m/g, "for: 1s")
      .replaceAll(/\[\d+m\]/g, "[5s]")
      .replaceAll("> 300", "> 3")
      .replaceAll("> 0.8", `> ${(bytes + 200_000) / limit}`);
    const state = newFolder();
    const address = `127.0.0.1:${await freePort("127.0.0.1")}`;
    writeFileSync(join(state, "alerts.yml"), rules);
    writeFileSync(
      join(state, "prometheus.yml"),
      JSON.stringify({
        global: { scrape_interval: "2s", evaluation_interval: "1s" },
        rule_files: ["alerts.yml"],
        scrape_configs: [
          { job_name: "claimcheck", authorization: { credentials: admin }, static_configs: [{ targets: [url.replace("http://", "")] }] },
        ],
      }),
    );
    prometheus = spawn(
      program("prometheus"),
      [`--config.file=${state}/prometheus.yml`, `--storage.tsdb.path=${state}/data`, `--web.listen-address=${address}`],
      {
        stdio: "ignore",
      },
    );
    const query = async (path: string) => {
      const answer = await fetch(`http://${address}/api/v1/${path}`).catch(() => null); // while it starts
      return answer?.ok ? ((await answer.json()) as { data: { result?: unknown[]; alerts?: Alert[] } }).data : {};
    };
    interface Alert {
      readonly state: string;
      readonly labels: Readonly<Record<string, string>>;
    }
    const firing = async () => ((await query("alerts")).alerts ?? []).filter((alert) => alert.state === "firing");

    await deployment.operator("POST", "/models", { name: "works", description: "Works." });
    await deployment.operator("POST", "/backends", { model: "works", url: gpu.url, protocol: "oip" });
    expect((await deployment.api("POST", "/v1/inferences", { model: "works", input: { number: [1] } })).status).toBe(202);
    const ends = 'claimcheck_inferences_total{job="claimcheck",model="works",end="succeeded"}';
    const seen = await until(
      async () => (await query(`query?query=${encodeURIComponent(ends)}`)).result ?? [],
      (result) => result.length === 1,
    );
    expect(seen).toMatchObject([{ value: [expect.any(Number), "1"] }]);
    const wanted = [
      "ClaimcheckBackendDown",
      "ClaimcheckDatabaseFilling",
      "ClaimcheckEndpointDown",
      "ClaimcheckModelDown",
      "ClaimcheckQueueStuck",
    ];
    const named = (some: readonly Alert[]) => some.filter(({ labels }) => wanted.includes(labels["alertname"] ?? ""));
    expect(named(await firing())).toEqual([]);

    const nobody = `http://127.0.0.1:${await freePort("127.0.0.1")}`;
    for (const [model, backend] of [
      ["stuck", { url: gpu.url, protocol: "oip", state: "paused" }],
      ["dead", { url: nobody, protocol: "oip", max_concurrency: 8 }],
    ] as const) {
      await deployment.operator("POST", "/models", { name: model, description: "A fault." });
      await deployment.operator("POST", "/backends", { model, ...backend });
      for (let count = 0; count < 8; count++) {
        // Together large enough for the database to count as nearly full.
        const input = { text: ["x".repeat(30_000)] };
        expect((await deployment.api("POST", "/v1/inferences", { model, input })).status).toBe(202);
      }
    }
    const webhook = { url: `${nobody}/hook` };
    expect((await deployment.api("POST", "/v1/inferences", { model: "works", input: { number: [1] }, webhook })).status).toBe(202);

    const all = (some: readonly Alert[]) => wanted.every((name) => some.some(({ labels }) => labels["alertname"] === name));
    const alerts = await until(firing, all, 60);
    const of = (name: string) =>
      alerts
        .filter(({ labels }) => labels["alertname"] === name)
        .map(({ labels }) => labels["model"] ?? "")
        .toSorted((one, other) => one.localeCompare(other));
    expect(Object.fromEntries(wanted.map((name) => [name, of(name)]))).toEqual({
      ClaimcheckBackendDown: ["dead"],
      ClaimcheckDatabaseFilling: [""],
      ClaimcheckEndpointDown: [""],
      ClaimcheckModelDown: ["dead", "stuck"],
      ClaimcheckQueueStuck: expect.arrayContaining(["stuck"]),
    });
    const counted = async (metric: string) => (await query(`query?query=${metric}`)).result ?? [];
    expect(await counted("claimcheck_webhook_deliveries_total")).toMatchObject([{ metric: { outcome: "unreachable" } }]);
    expect(await counted("claimcheck_metrics_lost_total")).toEqual([]);
    await gpu.close();
  });
});
