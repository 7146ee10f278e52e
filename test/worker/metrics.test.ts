/** Metrics and the overview: what is counted where it happens, and read where the operator asks. */
import { describe, expect, test, vi } from "vitest";
import { reportFrom } from "../../src/entry/metrics-port.ts";
import { Observed } from "../../src/metrics/observed.ts";
import { env } from "cloudflare:workers";
import { noteDepths } from "../../src/maintenance/gauges.ts";
import { ports } from "./support/ports.ts";
import { SHOWN_METRICS, metricOf } from "../../src/metrics/list.ts";
import { as, call, operator, until } from "./support/requests.ts";
import { ended, submitted } from "./support/inferences.ts";
import { newModel, newTenant, servedBy } from "./support/tenants.ts";

interface Overview {
  readonly series: Readonly<Record<string, readonly number[]>>;
  readonly queue_ms: { readonly count: number; readonly p50: number | null };
  readonly run_ms: { readonly count: number };
  readonly ends: readonly unknown[];
  readonly attempts: readonly unknown[];
  readonly models: readonly Readonly<Record<string, unknown>>[];
  readonly backends: readonly Readonly<Record<string, unknown>>[];
}

const overview = async (query: string): Promise<Overview> => (await operator("GET", `/overview${query}`)).json();

const total = (numbers: readonly number[] = []) => numbers.reduce((sum, number) => sum + number, 0);

const scrape = async (headers: Record<string, string> = {}): Promise<Response> =>
  call("/metrics", { headers: { Authorization: `Bearer ${env.ADMIN_TOKEN}`, ...headers } });

describe("the overview", () => {
  test("counts what has happened to a model's inferences, and says how it stands", async () => {
    const { key } = await newTenant();
    let answers = 0;
    const model = await servedBy(() => (answers++ === 0 ? new Response("bad", { status: 400 }) : Response.json({ ok: true })));
    await ended(key, await submitted(key, model));
    await ended(key, await submitted(key, model));
    await ended(key, await submitted(key, model));
    const seen = await until(
      () => overview(`?model=${model}`),
      ({ series }) => total(series["succeeded"]) === 2 && total(series["failed"]) === 1,
    );
    expect([total(seen.series["accepted"]), total(seen.series["succeeded"]), total(seen.series["failed"])]).toEqual([3, 2, 1]);
    expect(seen.series["refused"]).toBe(null);
    expect([seen.queue_ms.count, seen.run_ms.count]).toEqual([3, 2]);
    expect(seen.ends).toEqual([{ end: "failed", class: "input", code: "backend_rejected", count: 1 }]);
    expect(seen.attempts).toEqual([
      { outcome: "succeeded", count: 2 },
      { outcome: "input", count: 1 },
    ]);
    expect(seen.models).toMatchObject([{ model, version: null, queued: 0, oldest_queued_seconds: null, in_progress: 0, backends: 1 }]);
    const [backend] = seen.backends;
    expect(backend).toMatchObject({ model, in_progress: 0, circuit: { state: "closed", since: null } });
    const ofBackend = await overview(`?backend=${String(backend?.["id"])}&window=7d`);
    expect([ofBackend.series["at"]?.length, total(ofBackend.series["succeeded"]), ofBackend.run_ms.count]).toEqual([168, 2, 2]);
  });
});

describe("what waits", () => {
  test("is noted for the overview's charts, of a model and of all", async () => {
    const { key } = await newTenant();
    const model = await newModel();
    await submitted(key, model);
    await submitted(key, model);
    const deepest = async (query: string) => Math.max(...((await overview(query)).series["queued"] ?? []));
    const seen = await until(
      async () => {
        await noteDepths(ports());
        return Promise.all([deepest(`?model=${model}`), deepest("")]);
      },
      ([ofModel]) => ofModel > 0,
    );
    expect([seen[0], seen[1] >= 2]).toEqual([2, true]);
  });
});

describe("/metrics", () => {
  /** The value of a sample by its name and labels; undefined if it is not there. */
  const valueIn = (text: string, sample: string) => {
    const line = text.split("\n").find((one) => one.startsWith(`${sample} `));
    return line === undefined ? undefined : Number(line.slice(sample.length + 1));
  };

  test("is the operator's alone", async () => {
    const { key } = await newTenant();
    for (const headers of [{}, { Authorization: "Bearer wrong" }, { Authorization: `Bearer ${key}` }]) {
      const answer = await call("/metrics", { headers });
      expect([answer.status, await answer.json()]).toMatchObject([401, { code: "invalid_admin_token" }]);
    }
  });

  test("has each metric of the list with its help and type, and the values of what happened", async () => {
    const { key } = await newTenant();
    const model = await servedBy(() => Response.json({ ok: true }));
    const waits = await newModel();
    await submitted(key, waits);
    await ended(key, await submitted(key, model));
    await call("/v1/me", { headers: { Authorization: "Bearer ck_forged" } });
    const ends = `claimcheck_inferences_total{model="${model}",version="",end="succeeded",class=""}`;
    const depth = `claimcheck_queue_depth{model="${waits}",version="",state="ready"}`;
    const refused = 'claimcheck_refused_total{reason="invalid_key"}';
    const text = await until(
      async () => (await scrape()).text(),
      (scraped) => [ends, refused, depth].every((sample) => valueIn(scraped, sample) !== undefined),
    );
    for (const { name, help, type } of SHOWN_METRICS.map(metricOf))
      expect(text).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`);
    expect([valueIn(text, ends), valueIn(text, depth)]).toEqual([1, 1]);
    expect(valueIn(text, `claimcheck_oldest_queued_seconds{model="${waits}",version=""}`)).toBeGreaterThanOrEqual(0);
    expect(valueIn(text, `claimcheck_run_seconds_bucket{model="${model}",version="",backend="${await backendOf(model)}",le="+Inf"}`)).toBe(
      1,
    );
    expect(valueIn(text, 'claimcheck_http_requests_total{wire="claimcheck",method="GET",route="/v1/me",status="401"}')).toBeGreaterThan(0);
    expect(valueIn(text, refused)).toBeGreaterThan(0);
    expect(valueIn(text, "claimcheck_database_bytes")).toBeGreaterThan(0);
    expect(text).not.toContain(key.slice(0, 15));
  });

  test("is OpenMetrics for who asks for that, and Prometheus's own text else", async () => {
    const open = await scrape({ Accept: "application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5" });
    expect(open.headers.get("content-type")).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
    const text = new TextDecoder().decode(await open.arrayBuffer());
    expect(text.endsWith("# EOF\n")).toBe(true);
    expect(text).toContain("# TYPE claimcheck_refused counter\n");
    const plain = await scrape({ Accept: "text/plain" });
    expect(plain.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(await plain.text()).toContain("# TYPE claimcheck_refused_total counter\n");
  });

  test("takes no query", async () => {
    expect((await as(env.ADMIN_TOKEN, "GET", "/metrics?x=1")).status).toBe(400);
  });
});

describe("reports", () => {
  const report = async (bindings: unknown, ...labels: string[]) => {
    const observed = new Observed(() => Date.now());
    reportFrom(observed, bindings as Env); // of it, what is used
    observed.time("ran", labels, 250);
    observed.time("ran", labels, 500);
    observed.count("refused", ["invalid_key"]);
    return observed;
  };

  test("are written to Analytics Engine as well, if the deployment has a data set there", async () => {
    const points: unknown[] = [];
    const added: unknown[] = [];
    const add = async (observations: readonly unknown[]) => void added.push(...observations);
    await report(
      { METRICS: { getByName: () => ({ add }) }, METRICS_POINTS: { writeDataPoint: (point: unknown) => points.push(point) } },
      "m",
      "v1",
      "be",
    );
    await until(
      async () => added.length,
      (length) => length > 0,
    );
    expect(added).toHaveLength(2);
    expect(points).toEqual([
      { indexes: ["claimcheck_run_seconds"], blobs: ["claimcheck_run_seconds", "m", "v1", "be"], doubles: [2, 0.75] },
      { indexes: ["claimcheck_refused_total"], blobs: ["claimcheck_refused_total", "invalid_key"], doubles: [1] },
    ]);
  });

  test("that do not arrive are counted as lost, and delay nobody", async () => {
    const add = vi.fn<() => Promise<void>>(() => Promise.reject(new Error("it is away")));
    const observed = await report({ METRICS: { getByName: () => ({ add }) } }, "m", "v1", "be");
    await vi.waitFor(() => expect(add).toHaveBeenCalledOnce());
    await vi.waitFor(() => expect(observed.take()).toEqual([{ metric: "lost", labels: [], values: [1] }]));
  });
});

async function backendOf(model: string): Promise<string> {
  const { data }: { data: readonly { readonly id: string }[] } = await (await operator("GET", `/backends?model=${model}`)).json();
  return data[0]?.id ?? "";
}
