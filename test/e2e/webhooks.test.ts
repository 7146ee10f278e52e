/**
 * Webhooks of the whole system: a receiver that fails half the time, hangs and redirects, and a runtime that is killed
 * in between. Time is moved on while the runtime is down, in its database, so that days of back-off pass in a test.
 * By hand: `WEBHOOK_INFERENCES=500 WEBHOOK_KILLS=5 npx vitest run --project e2e test/e2e/webhooks.test.ts`.
 */
import { readdirSync } from "node:fs";
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as wait } from "node:timers/promises";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { Webhook as SvixWebhook } from "svix";
import { afterAll, expect, test } from "vitest";
import { type Answer, type Deployment, ask, deploy, endAll, newFolder, until } from "../support/deployment.ts";
import { ok, slow, startGpu, status } from "../support/gpu.ts";
import { listening } from "../support/listening.ts";

const INFERENCES = Number(process.env["WEBHOOK_INFERENCES"] ?? 24);
const KILLS = Number(process.env["WEBHOOK_KILLS"] ?? 1);
/** In a short run no delivery fails more often, so that a few rounds suffice. */
const FAILURES_MOST = INFERENCES > 100 ? Infinity : 2;
const ROUNDS_MOST = 40;
const EVENTS = ["inference.started", "inference.succeeded", "inference.failed", "inference.canceled", "inference.expired"];

afterAll(endAll);

interface ToldEvent {
  readonly id: string;
  readonly type: string;
  readonly inference: string;
  readonly status: string;
  readonly accepted: boolean;
}

/** Takes every other delivery or so; the others meet an error, silence, a cut connection or a redirect. */
async function startReceiver(secret: () => string) {
  const told: ToldEvent[] = [];
  const failures = new Map<string, number>();
  const forged: string[] = [];
  let redirected = 0;
  let draw = 7;
  const random = () => (draw = (draw * 48_271) % 2_147_483_647) / 2_147_483_647;
  const server = createServer((request, response) => {
    void textOf(request).then((body) => {
      if (request.url !== "/hook") {
        redirected++;
        return response.end();
      }
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      for (const Library of [StandardWebhook, SvixWebhook]) {
        try {
          new Library(secret()).verify(body, headers);
        } catch (error) {
          forged.push(String(error));
        }
      }
      const event = JSON.parse(body) as { type: string; data: { id: string; status: string } };
      const id = headers["webhook-id"] ?? "";
      const failed = failures.get(id) ?? 0;
      const accepted = failed >= FAILURES_MOST || random() < 0.5;
      told.push({ id, type: event.type, inference: event.data.id, status: event.data.status, accepted });
      if (accepted) return response.end("thanks");
      failures.set(id, failed + 1);
      return fail(response, random());
    });
  });
  const to = await listening(server);
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { told, forged, failures, redirected: () => redirected, url: `${to}/hook`, close };
}

function fail(response: ServerResponse, share: number): void {
  if (share < 0.6) response.writeHead(share < 0.3 ? 500 : 503).end("no");
  else if (share < 0.75) response.writeHead(share < 0.7 ? 301 : 307, { Location: "/elsewhere" }).end();
  else if (share < 0.85) response.destroy();
  // else nothing: it hangs
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer); // a request without an encoding gives buffers
  return Buffer.concat(chunks).toString("utf8");
}

/** Moves the times of all deliveries into the past, in the database of a runtime that is down. */
function moveTime(folder: string, ms: number): void {
  const storage = join(folder, "storage");
  const files = readdirSync(storage, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".sqlite"));
  let moved = 0;
  for (const file of files) {
    const database = new DatabaseSync(join(storage, file));
    if (database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'deliveries'").get()) {
      database.prepare("UPDATE deliveries SET due_at = due_at - ? WHERE due_at IS NOT NULL").run(ms);
      database.prepare("UPDATE endpoints SET held_until = held_until - ?").run(ms);
      moved++;
    }
    database.close();
  }
  if (moved !== 1) throw new Error(`${moved} databases hold deliveries`);
}

test(
  `whatever the receiver does and however the runtime dies, all ${INFERENCES} inferences are told of, at least once, and of nothing that did not happen`,
  async () => {
    const folder = newFolder();
    const gpu = await startGpu([ok, slow(50), ok, status(400), ok]);
    let secret = "";
    const receiver = await startReceiver(() => secret);
    let deployment: Deployment = await deploy({ folder });
    const account = await deployment.operator("POST", "/accounts", { name: "told" });
    const limits = { read: 10_000, submit: 10_000, cancel: 10_000 };
    const { key: made } = await deployment.operator("POST", "/keys", { account_id: account["id"], limits });
    const key = String(made);
    await deployment.operator("POST", "/models", { name: "echo" });
    await deployment.operator("POST", "/backends", { model: "echo", url: gpu.url, protocol: "oip", max_concurrency: 4 });
    const insist = async (method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer> => {
      for (;;) {
        try {
          const answer = await ask(deployment.url, key, method, path, body, headers);
          if (answer.status < 500) return answer;
        } catch {
          // the runtime is down, or died under the request
        }
        await wait(100);
      }
    };
    secret = ((await insist("POST", "/v1/webhooks/rotate")).body as { secret: string }).secret;

    const webhook = { url: receiver.url, events: EVENTS };
    const submitting = (async () => {
      const ids: string[] = [];
      for (let number = 0; number < INFERENCES; number++) {
        const body = { model: "echo", input: { x: [number] }, retry: { max_attempts: 1 }, webhook };
        const { status: code, body: inference } = await insist("POST", "/v1/inferences", body, { "Idempotency-Key": `told-${number}` });
        expect(code).toBe(202);
        const { id } = inference as { id: string };
        ids.push(id);
        if (number % 10 === 9) await insist("POST", `/v1/inferences/${id}/cancel`);
        await wait(20);
      }
      return ids;
    })();
    for (let kill = 1; kill <= KILLS; kill++) {
      const enough = receiver.told.length + INFERENCES / (KILLS + 1);
      await until(
        async () => receiver.told.length,
        (count) => count >= enough,
        30,
      );
      await deployment.kill9();
      moveTime(folder, 4 * 3_600_000);
      deployment = await deploy({ folder, port: deployment.port });
    }
    const ids = await submitting;

    interface Delivery {
      status: string;
      event: string;
      id: string;
      next_attempt_at: string | null;
      attempts: unknown[];
    }
    const deliveriesOf = async (id: string) =>
      ((await insist("GET", `/v1/inferences/${id}/deliveries`)).body as { deliveries: Delivery[] }).deliveries;
    const inferenceOf = async (id: string) =>
      (await insist("GET", `/v1/inferences/${id}?logs=1`)).body as { status: string; is_final: boolean; logs: { event: string }[] };
    const pending = new Set(ids);
    const begun = new Date(Date.now() - 86_400_000).toISOString();
    let rounds = 0;
    let recovered = 0;
    for (; pending.size > 0 && rounds < ROUNDS_MOST; rounds++) {
      // Until all that is left waits for a later time: nothing is being tried, and nothing is due soon.
      await until(
        async () => {
          let busy = false;
          for (const id of pending) {
            const isFinal = (await inferenceOf(id)).is_final;
            const all = await deliveriesOf(id);
            if (isFinal && all.length > 0 && all.every((it) => it.status === "succeeded")) pending.delete(id);
            const waits = ({ status: at, next_attempt_at: next }: Delivery) =>
              at !== "pending" || Date.parse(next ?? "") > Date.now() + 60_000;
            busy ||= !isFinal || !all.every(waits);
          }
          return busy;
        },
        (busy) => !busy,
        120,
        500,
      );
      if (pending.size === 0) break;
      const again = (await insist("POST", "/v1/webhooks/resend", { since: begun })).body as { resent: number };
      recovered += again.resent;
      await deployment.interrupt();
      moveTime(folder, 25 * 3_600_000);
      deployment = await deploy({ folder, port: deployment.port });
    }
    expect([...pending]).toEqual([]);
    expect(receiver.forged).toEqual([]);
    expect(receiver.redirected()).toBe(0);

    let count = 0;
    let attempts = 0;
    for (const id of ids) {
      const inference = await inferenceOf(id);
      const known = await deliveriesOf(id);
      count += known.length;
      attempts += known.reduce((sum, it) => sum + it.attempts.length, 0);
      const happened = [
        ...(inference.logs.some(({ event }) => event === "claimed") ? ["inference.started"] : []),
        `inference.${inference.status}`,
      ];
      expect([id, known.map(({ event }) => event)]).toEqual([id, happened]);
      const heard = receiver.told.filter((it) => it.inference === id);
      expect([id, [...new Set(heard.map((it) => it.type))].toSorted()]).toEqual([id, happened.toSorted()]);
      for (const { id: delivery, event } of known) {
        const tries = heard.filter((it) => it.type === event);
        expect([event, [...new Set(tries.map((it) => it.id))]]).toEqual([event, [delivery]]);
        expect([event, tries.some((it) => it.accepted)]).toEqual([event, true]);
      }
    }
    const ends = receiver.told.length;
    const accepted = receiver.told.filter((it) => it.accepted).length;
    console.log(
      `${ids.length} inferences, ${KILLS} kills, ${count} deliveries, all succeeded; ${attempts} attempts on record, ${ends} received, ` +
        `${accepted} accepted (${accepted - count} more than once), at most ${Math.max(...receiver.failures.values())} failures of one, ` +
        `${recovered} recovered by a call after ten, ${rounds} moves of time after the kills`,
    );
    expect(receiver.told.some((it) => !it.accepted)).toBe(true);
    receiver.close();
    await gpu.close();
  },
  INFERENCES > 100 ? 3_600_000 : 180_000,
);
