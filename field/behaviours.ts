/** What is looked at with each server: one function each, which says what it saw, and whether it is as it should be. */
import { setTimeout as wait } from "node:timers/promises";
import { type Deployment, until } from "../test/support/deployment.ts";
import type { Program } from "./python.ts";
import type { FieldServer, Item } from "./servers.ts";

export interface Seen {
  readonly saw: string;
  /** False: a fault of ours, or a wish that nobody can fulfil there. */
  readonly good: boolean;
  /** Whether the server stopped within a second of being left. */
  readonly stops?: boolean;
}

export interface Scene {
  readonly deployment: Deployment;
  readonly server: FieldServer;
  readonly program: Program;
  readonly model: string;
  /** The model that streams. */
  readonly streaming: string;
  readonly backend: string;
  /** What was seen of this server before. */
  readonly seen: Readonly<Record<string, Seen>>;
}

interface Shown {
  readonly id: string;
  readonly status: string;
  readonly is_final: boolean;
  readonly attempts: number;
  readonly output: unknown;
  readonly stopped?: string;
  readonly error: { readonly class: string; readonly code: string; readonly message: string } | null;
}

const SOON_MS = 1_000;
/** What a server does in this time after it was left is what it does. */
const AFTER_CANCEL_MS = 3_000;
/** More than a small language model takes. */
const CONTEXT_AT_LEAST = 64 * 1024;
/** What runs when it is left would run for so long. */
const LONG_SECONDS = 6;

let number = 0;
const newText = (words: string) => `${words} ${++number}`;

async function submit({ deployment, server, model }: Scene, item: Item, more: Record<string, unknown> = {}): Promise<string> {
  const answer = await deployment.api("POST", "/v1/inferences", { model, input: server.input(item), ...more });
  if (answer.status !== 202) throw new Error(`a submit was answered ${answer.status}: ${answer.text}`);
  return (answer.body as Shown).id;
}

async function show({ deployment }: Scene, id: string): Promise<Shown> {
  return (await deployment.api("GET", `/v1/inferences/${id}`)).body as Shown;
}

function end(scene: Scene, id: string): Promise<Shown> {
  return until(
    () => show(scene, id),
    ({ is_final }) => is_final,
  );
}

async function run(scene: Scene, item: Item, more: Record<string, unknown> = {}): Promise<Shown> {
  return end(scene, await submit(scene, item, more));
}

/** A server's words, without what differs from run to run and from machine to machine. */
const words = (message: string) =>
  message
    .replaceAll(import.meta.dirname, "field")
    .replaceAll(/upper_\d+_\d+/g, "upper")
    .replaceAll(/\s+/g, " ")
    .slice(0, 160)
    .trim();

const told = ({ status, attempts, error }: Shown) =>
  error
    ? `${status} after ${attempts} attempt${attempts === 1 ? "" : "s"}: ${error.class}/${error.code}, "${words(error.message)}"`
    : status;

const heard = ({ server }: Scene, text: string) => server.heard?.(text) ?? text;

/** Waits until the server works at a text. */
const begun = (scene: Scene, text: string) =>
  until(
    async () => scene.program.noted(heard(scene, text)).filter(({ event }) => event === "tick").length,
    (count) => count > 1,
  );

/** When the server stopped to work at a text that it was to leave at a time, by its own log: each tenth of a second is a line in it. */
async function stopAfter(scene: Scene, text: string, leftAt: number): Promise<{ saw: string; stops: boolean }> {
  await wait(AFTER_CANCEL_MS); // what the server does in this time is what is looked at
  const last = Math.max(leftAt, ...scene.program.noted(heard(scene, text)).flatMap(({ event, at }) => (event === "tick" ? [at] : [])));
  const after = (last - leftAt) / 1000;
  if (last - leftAt > AFTER_CANCEL_MS - SOON_MS) return { saw: "the server goes on", stops: false };
  return { saw: `the server stops after ${after.toFixed(1)} s`, stops: last - leftAt <= SOON_MS };
}

/** A stream through Claimcheck: the inference's id, and how to leave it. */
async function stream(
  { deployment, streaming }: Scene,
  { path, body }: NonNullable<FieldServer["stream"]>,
  item: Item,
): Promise<{ id: string; leave: () => Promise<void> }> {
  const gone = new AbortController();
  const response = await fetch(deployment.url + path(streaming), {
    method: "POST",
    headers: { Authorization: `Bearer ${deployment.key}`, "Content-Type": "application/json" },
    body: JSON.stringify(body(streaming, item)),
    signal: gone.signal,
  });
  const reader = response.body?.getReader();
  await reader?.read();
  return {
    id: response.headers.get("X-Inference-Id") ?? "",
    async leave() {
      gone.abort();
      await reader?.cancel().catch(() => undefined); // aborted
    },
  };
}

export const BEHAVIOURS: Readonly<Record<string, (scene: Scene) => Promise<Seen>>> = {
  async "first answer"(scene) {
    const text = newText("first answer");
    const shown = await run(scene, { text });
    const answer = scene.server.text(shown.output);
    const says = scene.server.says ?? { what: "the text, in capitals", is: (said: unknown) => said === text.toUpperCase() };
    const good = says.is(answer);
    return { good, saw: good ? says.what : `${told(shown)}, output ${JSON.stringify(shown.output)?.slice(0, 200)}` };
  },

  async "failure of the model"(scene) {
    if (scene.server.protocol === "openai") return { good: true, saw: "not tried: its form has no such member" };
    const shown = await run(
      scene,
      { text: newText("fails"), fail: "no such color: mauve" },
      { retry: { initial_delay_ms: 250, max_delay_ms: 250 } },
    );
    return { good: shown.status === "failed" && shown.error !== null, saw: told(shown) };
  },

  async "bad input"({ deployment, server, model, ...rest }) {
    const scene = { deployment, server, model, ...rest };
    const input = server.protocol === "oip" ? { inputs: [{ name: "text", shape: [2], datatype: "FP32", data: [1] }] } : { nonsense: true };
    const answer = await deployment.api("POST", "/v1/inferences", { model, input, retry: { initial_delay_ms: 250, max_delay_ms: 250 } });
    if (answer.status !== 202) return { good: answer.status === 422, saw: `refused with ${answer.status} at submit` };
    const shown = await end(scene, (answer.body as Shown).id);
    return { good: shown.status === "failed", saw: told(shown) };
  },

  async "types of tensors"(scene) {
    if (scene.server.protocol !== "oip") return { good: true, saw: "no tensors" };
    const sent = [
      { name: "f", shape: [2], datatype: "FP32", data: [1.5, -2] },
      { name: "i", shape: [1, 2], datatype: "INT64", data: [3, 4] },
      { name: "b", shape: [2], datatype: "BOOL", data: [true, false] },
      { name: "u", shape: [1], datatype: "UINT8", data: [255] },
    ];
    const bad: string[] = [];
    for (const tensor of sent) {
      const { deployment, model } = scene;
      const answer = await deployment.api("POST", "/v1/inferences", { model, input: { inputs: [tensor] } });
      const shown = await end(scene, (answer.body as Shown).id);
      const [output] = (shown.output as { outputs?: { data: unknown; datatype: string }[] } | null)?.outputs ?? [];
      if (JSON.stringify(output?.data) !== JSON.stringify(tensor.data))
        bad.push(`${tensor.datatype}: ${output ? JSON.stringify(output) : told(shown)}`);
    }
    return { good: bad.length === 0, saw: bad.length === 0 ? "FP32, INT64, BOOL and UINT8 come back as sent" : bad.join("; ") };
  },

  async "input of 1 MiB"(scene) {
    const text = newText("x".repeat(scene.server.says ? CONTEXT_AT_LEAST : 1024 * 1024));
    const id = await submit(scene, { text });
    const shown = await end(scene, id);
    if (scene.server.says) return { good: shown.error?.class === "input", saw: `of ${CONTEXT_AT_LEAST} characters: ${told(shown)}` };
    if (shown.status !== "succeeded") return { good: false, saw: told(shown) };
    const result = await scene.deployment.api("GET", `/v1/inferences/${id}/result`);
    // Tensors that came raw are given so, behind their JSON.
    const isRaw = result.headers.has("Inference-Header-Content-Length");
    const answer = isRaw ? result.text.slice(-text.length) : scene.server.text(result.body);
    const other = `another text came back: ${result.headers.get("content-type")}, ${result.text.slice(0, 100)}`;
    return {
      good: answer === text.toUpperCase(),
      saw: answer === text.toUpperCase() ? `whole, both ways${isRaw ? ", the result as raw tensors" : ""}` : other,
    };
  },

  async "four at once, two allowed"(scene) {
    const since = Date.now();
    const texts = [1, 2, 3, 4].map(() => newText("at once"));
    const ends = await Promise.all(texts.map((text) => run(scene, { text, seconds: 0.5 })));
    const took = ((Date.now() - since) / 1000).toFixed(1);
    const edges = texts.flatMap((text) =>
      scene.program.noted(heard(scene, text)).flatMap(({ event, at }) => {
        if (event === "began") return [{ at, step: 1 }];
        return event === "ended" ? [{ at, step: -1 }] : [];
      }),
    );
    let most = 0;
    let now = 0;
    for (const { step } of edges.toSorted((a, b) => a.at - b.at)) most = Math.max(most, (now += step));
    const good = ends.every(({ status }) => status === "succeeded") && most <= 2;
    return { good, saw: `${ends.filter(({ status }) => status === "succeeded").length} of 4 succeeded in ${took} s, ${most} at once` };
  },

  async "time limit of 1 s"(scene) {
    const shown = await run(scene, { text: newText("too slow"), seconds: 4 }, { run_within_seconds: 1, retry: { max_attempts: 1 } });
    return { good: shown.error?.class === "timeout", saw: told(shown) };
  },

  /** Without Claimcheck: what the server makes of a client that hangs up. */
  async "connection closed"(scene) {
    const { server, program } = scene;
    const text = newText("left");
    const gone = new AbortController();
    const { method, path, body } = server.call({ text, seconds: LONG_SECONDS });
    const called = fetch(program.url + path, {
      method,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal: gone.signal,
    });
    const left = called.then((response) => response.text()).catch(() => undefined); // aborted
    await begun(scene, text);
    const leftAt = Date.now();
    gone.abort();
    await left;
    return { good: true, ...(await stopAfter(scene, text, leftAt)) };
  },

  async cancel(scene) {
    const text = newText("canceled");
    const id = await submit(scene, { text, seconds: LONG_SECONDS });
    await begun(scene, text);
    const canceledAt = Date.now();
    const answer = await scene.deployment.api("POST", `/v1/inferences/${id}/cancel`);
    const { status, stopped = "?" } = answer.body as Shown;
    const { saw, stops } = await stopAfter(scene, text, canceledAt);
    const mayStop = !scene.server.stream && scene.seen["connection closed"]?.stops === true;
    return { good: answer.status === 200 && status === "canceled" && (stops || !mayStop), saw: `\`${stopped}\`; ${saw}`, stops };
  },

  async "client leaves its stream"(scene) {
    if (!scene.server.stream) return { good: true, saw: "no stream" };
    const text = newText("streamed");
    const { leave } = await stream(scene, scene.server.stream, { text, seconds: LONG_SECONDS });
    await begun(scene, text);
    const leftAt = Date.now();
    await leave();
    const { saw, stops } = await stopAfter(scene, text, leftAt);
    return { good: stops || scene.seen["connection closed"]?.stops !== true, saw, stops };
  },

  async "cancel of a stream"(scene) {
    if (!scene.server.stream) return { good: true, saw: "no stream" };
    const text = newText("stream canceled");
    const { id, leave } = await stream(scene, scene.server.stream, { text, seconds: LONG_SECONDS });
    await begun(scene, text);
    const canceledAt = Date.now();
    const answer = await scene.deployment.api("POST", `/v1/inferences/${id}/cancel`);
    const { stopped = "?" } = answer.body as Shown;
    const { saw, stops } = await stopAfter(scene, text, canceledAt);
    await leave();
    return {
      good: answer.status === 200 && (stops || scene.seen["connection closed"]?.stops !== true),
      saw: `\`${stopped}\`; ${saw}`,
      stops,
    };
  },

  async "restart in the middle"(scene) {
    const text = newText("restarted");
    const id = await submit(scene, { text, seconds: 2 }, { retry: { max_attempts: 10 } });
    await begun(scene, text);
    scene.program.kill();
    await scene.program.again(scene.server.ready);
    const shown = await end(scene, id);
    return {
      good: shown.status === "succeeded",
      saw: told(shown) + (shown.status === "succeeded" ? ` after ${shown.attempts} attempts` : ""),
    };
  },

  async readiness({ deployment, program, server, backend }) {
    const ready = async () => (await deployment.operator("GET", `/backends/${backend}/ready`))["ready"];
    const up = await ready();
    program.kill();
    const down = await ready();
    await program.again(server.ready);
    return { good: up === true && down === false, saw: `ready: ${String(up)}; killed: ${String(down)}` };
  },
};
