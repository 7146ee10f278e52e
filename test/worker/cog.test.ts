/** The protocol of Cog's server, against its own answers (test/support/cog.ts): what each means, and how it is canceled. */
import { describe, expect, test } from "vitest";
import { readinessOf } from "../../src/backends/protocols.ts";
import { findBackend } from "../../src/backends/store.ts";
import { run } from "../../src/inferences/run.ts";
import { changeStatements } from "../../src/inferences/sql/change.ts";
import { STOP_ASKED_MS } from "../../src/limits.ts";
import { sweep } from "../../src/maintenance/sweep.ts";
import { Cog, FAILS, NOTHING, PICTURE, RUNS, STOPS } from "../support/cog.ts";
import { backendRow, claimed, laneOf, queued, rowOf } from "./support/inferences.ts";
import { backendIs, gpu } from "./support/outside.ts";
import { still, stillAs } from "./support/ports.ts";
import { timePasses } from "./support/clock.ts";
import { newBackend, newModel, newTenant } from "./support/tenants.ts";
import { object, until } from "./support/requests.ts";

const { key, accountId } = await newTenant();
const ONCE = { maxAttempts: 1, initialDelayMs: 0, maxDelayMs: 0 };

/** A Cog server and a model that it serves. */
async function served(more: Record<string, unknown> = {}, backend: Record<string, unknown> = {}) {
  const cog = new Cog();
  const model = await newModel(more);
  const id = await newBackend(model, { protocol: "cog", max_concurrency: 2, ...backend });
  return { cog, model, backend: id, ports: still({ fetch: gpu(cog.serve) }) };
}

type Served = Awaited<ReturnType<typeof served>>;

/** Queues an inference of this input. */
const asked = ({ model }: Served, input: unknown, more: Parameters<typeof queued>[1] = {}) =>
  queued(model, { accountId, input: { at: "row", body: JSON.stringify(input), contentType: "application/json" }, retry: ONCE, ...more });

const shown = (id: string) => object(stillAs(key, "GET", `/v1/inferences/${id}`));

async function ran(server: Served, input: unknown, more: Parameters<typeof queued>[1] = {}): Promise<Record<string, unknown>> {
  const id = await asked(server, input, more);
  await run(server.ports, [laneOf(server.model)], "lease");
  return shown(id);
}

describe("a prediction", () => {
  test("is asked for under the inference's id, and its output is the result", async () => {
    const server = await served();
    const { id, status, output } = await ran(server, { text: "hi" });
    expect([status, output]).toEqual(["succeeded", "HI"]);
    expect(server.cog.calls).toEqual([`PUT /predictions/${String(id)}`]);
    expect(server.cog.bodies).toEqual(['{"input":{"text":"hi"}}']);
  });

  test("goes to the same place when the backend's address ends in /predictions", async () => {
    const server = await served({}, { url: "https://cog.gpu.test/predictions" });
    const { id, status } = await ran(server, { text: "hi" });
    expect([status, server.cog.calls]).toEqual(["succeeded", [`PUT /predictions/${String(id)}`]]);
  });

  test("may have no output", async () => {
    expect(await ran(await served(), { text: NOTHING })).toMatchObject({ status: "succeeded", output: null });
  });

  test("that failed is a failure of the model, though it came with status 200, and is not run again", async () => {
    const server = await served();
    const { status, attempts, error } = await ran(server, { text: FAILS }, { retry: { ...ONCE, maxAttempts: 3 } });
    expect([status, attempts, error]).toEqual([
      "failed",
      1,
      expect.objectContaining({ class: "model", code: "model_failed", message: "The model failed: ValueError: no such color: mauve" }),
    ]);
    expect((await backendRow(server.backend))["failures"]).toBe(0);
  });

  test("whose input the schema refuses is a bad input", async () => {
    expect((await ran(await served(), { nonsense: true }))["error"]).toMatchObject({
      class: "input",
      code: "backend_rejected",
      message: "The backend answered 422: body.input.text: Field required",
    });
  });

  test.each([["text"], [[1, 2]], [null]])("of the input %j is not asked for, since Cog takes an object", async (input) => {
    const server = await served();
    expect((await ran(server, input))["error"]).toMatchObject({ class: "input", code: "input_not_object" });
    expect(server.cog.calls).toEqual([]);
  });

  test("that its server canceled by itself is tried again, and says nothing against the server", async () => {
    const server = await served();
    const { status, attempts, error } = await ran(server, { text: STOPS }, { retry: { ...ONCE, maxAttempts: 2 } });
    expect([status, attempts, error]).toEqual([
      "failed",
      2,
      expect.objectContaining({ class: "infrastructure", code: "backend_canceled", message: "The backend canceled the prediction." }),
    ]);
    expect((await backendRow(server.backend))["failures"]).toBe(0);
  });

  test("gives the fields that are to be files as files", async () => {
    const server = await served({ output_files: [{ field: "output.image" }] });
    const { id, output, output_parts } = await ran(server, { text: PICTURE });
    expect(output).toEqual({ image: `/v1/inferences/${String(id)}/result/image.png`, score: 0.5 });
    expect(output_parts).toMatchObject([{ name: "image.png", content_type: "image/png", bytes: 11 }]);
  });
});

describe("a server whose slots are full", () => {
  test("is asked again later: 409 is no fault of the input, nor of the server", async () => {
    const server = await served();
    const [first, second] = [await asked(server, { text: RUNS }), await asked(server, { text: "hi" })];
    const running = run(server.ports, [laneOf(server.model), laneOf(server.model)], "lease");
    expect(
      await until(
        () => shown(second),
        ({ status }) => status === "failed",
      ),
    ).toMatchObject({
      error: { class: "capacity", code: "backend_busy", message: "The backend answered 409: At capacity - all prediction slots busy" },
    });
    server.cog.release();
    await running;
    expect(await shown(first)).toMatchObject({ status: "succeeded", output: "LATE" });
    expect((await backendRow(server.backend))["failures"]).toBe(0);
  });

  test("does not run a double of what it runs: that is asked for again later", async () => {
    const server = await served();
    const id = await asked(server, { text: RUNS });
    const double = server.cog.serve(
      new Request(`https://cog.gpu.test/predictions/${id}`, { method: "PUT", body: JSON.stringify({ input: { text: RUNS } }) }),
    );
    await run(server.ports, [laneOf(server.model)], "lease");
    expect((await shown(id))["error"]).toMatchObject({ class: "capacity", code: "backend_busy" });
    server.cog.release();
    expect((await double).status).toBe(200);
  });
});

describe("readiness", () => {
  const asks = async ({ backend, ports }: Served) => {
    const found = (await findBackend(ports.db, backend)) ?? expect.fail("no backend");
    return readinessOf(found, "", ports);
  };

  test("is READY or BUSY, and not what comes before, though that is answered 200 too", async () => {
    const server = await served();
    expect(await asks(server)).toEqual({ ready: true, reached: true, detail: null });
    server.cog.health = "BUSY";
    expect((await asks(server)).ready).toBe(true);
    server.cog.health = "STARTING";
    expect(await asks(server)).toEqual({ ready: false, reached: true, detail: "The server says that it is STARTING." });
  });

  test("of a server that is none of Cog's is denied", async () => {
    const server = await served();
    const ports = still({ fetch: async () => Response.json({ ok: true }) });
    expect(await asks({ ...server, ports })).toMatchObject({ ready: false, detail: "The server's /health-check is not that of Cog." });
  });
});

describe("a call that is let go of", () => {
  test("because it takes too long is canceled by its id", async () => {
    const server = await served();
    const id = await asked(server, { text: RUNS }, { runWithinSeconds: 1 });
    await run(server.ports, [laneOf(server.model)], "lease");
    expect((await rowOf(id))["status"]).toBe("failed");
    expect(server.cog.calls).toEqual([`PUT /predictions/${id}`, `POST /predictions/${id}/cancel`]);
  });
});

describe("a cancel of a prediction that runs", () => {
  /** It runs when its server has been called. */
  async function begun(server: Served, more: Parameters<typeof queued>[1] = {}) {
    backendIs(server.cog.serve);
    const id = await asked(server, { text: RUNS }, more);
    const running = run(server.ports, [laneOf(server.model)], "lease");
    await until(
      async () => server.cog.calls.length,
      (calls) => calls > 0,
    );
    return { id, running };
  }

  const cancel = (id: string) => object(stillAs(key, "POST", `/v1/inferences/${id}/cancel`));

  test("stops it at its server, and says that it has: then and ever after", async () => {
    const server = await served();
    const { id, running } = await begun(server);
    const answer = await cancel(id);
    expect(answer).toMatchObject({ status: "canceled", stopped: "confirmed", output: null, attempts: 1 });
    await running;
    expect(await shown(id)).toEqual(answer);
    expect(await cancel(id)).toEqual(answer);
    expect((await rowOf(id))["lease"]).toBeNull();
    expect(server.cog.calls.slice(0, 2)).toEqual([`PUT /predictions/${id}`, `POST /predictions/${id}/cancel`]);
    expect((await ran(server, { text: "next" }))["status"]).toBe("succeeded");
  });

  test("of which there is but one attempt is no failure, whoever is first to write what the server says", async () => {
    for (let round = 0; round < 10; round++) {
      const server = await served();
      const { id, running } = await begun(server);
      const canceled = cancel(id);
      await running;
      expect(await canceled).toMatchObject({ status: "canceled", stopped: "confirmed" });
    }
  });

  test("is best effort if the server takes the cancel and goes on", async () => {
    const server = await served();
    const { id, running } = await begun(server);
    server.cog.isDeaf = true;
    expect(await cancel(id)).toMatchObject({ status: "canceled", stopped: "best_effort" });
    await running; // it lets go of the call
    expect((await rowOf(id))["lease"]).toBeNull();
  });

  test("is best effort if the server does not know it: the call may be on its way", async () => {
    const server = await served();
    backendIs(server.cog.serve);
    const id = await asked(server, { text: RUNS });
    await claimed(server.model);
    expect(await cancel(id)).toMatchObject({ status: "canceled", stopped: "best_effort" });
  });

  test("is best effort if the server can't be reached", async () => {
    const server = await served();
    backendIs(() => Promise.reject(new Error("connection refused")));
    const id = await asked(server, { text: RUNS });
    await claimed(server.model);
    expect(await cancel(id)).toMatchObject({ status: "canceled", stopped: "best_effort" });
  });

  test("that waits needs no server", async () => {
    const server = await served();
    backendIs(server.cog.serve);
    expect(await cancel(await asked(server, { text: RUNS }))).toMatchObject({ status: "canceled", stopped: "confirmed" });
    expect(server.cog.calls).toEqual([]);
  });

  test("comes about even if whoever asked the server to stop it is lost after that", async () => {
    const server = await served();
    const id = await asked(server, { text: RUNS });
    await claimed(server.model);
    await server.ports.db.all(changeStatements.askStop(accountId, id));
    await sweep(still());
    expect((await rowOf(id))["status"]).toBe("in_progress");
    await timePasses(server.model, STOP_ASKED_MS);
    await sweep(still());
    expect(await rowOf(id)).toMatchObject({ status: "canceled", stopped: "best_effort" });
  });
});
