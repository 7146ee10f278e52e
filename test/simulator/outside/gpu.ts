/**
 * Simulated GPU servers. Each does what servers do: answers, after a while, or refuses, says that it is busy, talks
 * garbage, hangs, breaks off, or crashes, alone or because an input is poison to it. A server knows how many calls it is
 * busy with, whoever made them and whatever has become of them since: that is the count that may never be too high.
 */
import type { Fetch } from "../../../src/backends/backend.ts";
import type { BackendFaults } from "../faults.ts";
import type { Isolate } from "../platform/isolate.ts";
import type { Speech, Unkindness } from "../../support/repertoire.ts";
import type { Words } from "../rules/progress.ts";
import type { LiveCall } from "../rules/lives.ts";
import type { Random } from "../random.ts";
import type { Schedule, Timer } from "../schedule.ts";
import { type Stream, type Wire, BAD_ENDS, perform, waysOf } from "./unkind.ts";

export interface GpuSettings {
  readonly id: string;
  readonly protocol: Speech;
  readonly meanRunMs: number;
  /** It answers at multiples of it; null: whenever it is done. */
  readonly stepMs: number | null;
}

interface Gpu extends GpuSettings {
  downUntil: number;
  /** `tunnel`: what stands before it says that it is not there. */
  partitioned: "none" | "refuses" | "hangs" | "tunnel";
  /** Counts the changes of `partitioned`. */
  ways: number;
}

interface Connection {
  readonly gpu: Gpu;
  readonly call: LiveCall | null;
  /** Breaks off: the server is gone, or the client is. */
  cut(): void;
}

export interface GpuWorld {
  readonly schedule: Schedule;
  readonly random: Random;
  faults(): BackendFaults;
  /** A call has reached a server. */
  began(call: LiveCall): void;
  /** A server has said that it is done, in these words. */
  answered(job: number, body: string): void;
  /** A server has said all that it says, in one of the ways of the repertoire. */
  said(call: LiveCall, speaks: Speech, way: Unkindness): void;
  /** What a model tells of its progress, and when, is drawn from this alone. */
  readonly progressRandom: Random;
  /** A model tells of its progress, at the address that came with a call. */
  says(url: string, words: Words): void;
  /** A tunnel has said in a server's place that it is not there. */
  tunneled(call: LiveCall): void;
  trace(what: string): void;
}

const JOB = /"job":(\d+)|"name":"job","shape":\[1\],"datatype":"INT64","data":\[(\d+)\]/;
const POISON = /"poison":true|"name":"poison"/;
const BAD = /"bad":(\d+)|"name":"bad","shape":\[1\],"datatype":"INT64","data":\[(\d+)\]/;
const LARGE = /"large":true|"name":"large"/;

export class Gpus {
  readonly #world: GpuWorld;
  readonly #gpus = new Map<string, Gpu>();
  readonly #connections = new Set<Connection>();
  /** Signals that are listened to; one that never comes would be kept for ever. */
  readonly #listening = new Set<() => void>();
  /** Calls that a server is busy with, of all servers. */
  readonly live = new Set<LiveCall>();
  done = 0;
  poisoned = 0;

  constructor(world: GpuWorld, settings: readonly GpuSettings[]) {
    this.#world = world;
    for (const each of settings) this.#gpus.set(each.id, { ...each, downUntil: 0, partitioned: "none", ways: 0 });
  }

  get ids(): string[] {
    return [...this.#gpus.keys()];
  }

  /** The network as it is seen from an isolate that calls under a lease, or from the sweep. */
  fetchOf(isolate: Isolate, lease: () => string | null): Fetch {
    return (url, init) => this.#fetch(isolate, lease(), url, init);
  }

  /** Changes whenever the way to a server does; null unless a tunnel says that it is not there. */
  tunnelOf(id: string): number | null {
    const gpu = this.#gpus.get(id);
    return gpu?.partitioned === "tunnel" ? gpu.ways : null;
  }

  /** Takes a server down for a while: what it was busy with breaks off. */
  crash(id: string, ms: number): void {
    const gpu = this.#gpus.get(id);
    if (!gpu) return;
    this.#world.trace(`${id} crashes, for ${ms} ms`);
    gpu.downUntil = this.#world.schedule.now + ms;
    for (const connection of this.#connections) if (connection.gpu === gpu) connection.cut();
  }

  partition(id: string, how: Gpu["partitioned"]): void {
    const gpu = this.#gpus.get(id);
    if (!gpu) return;
    gpu.partitioned = how;
    gpu.ways++;
  }

  /** All servers are up and can be reached. What hangs, goes on hanging. */
  mend(): void {
    for (const gpu of this.#gpus.values()) {
      gpu.downUntil = 0;
      gpu.partitioned = "none";
      gpu.ways++;
    }
  }

  /** Nothing more will come of any call. */
  close(): void {
    for (const unlisten of this.#listening) unlisten();
  }

  #fetch(isolate: Isolate, lease: string | null, url: string, init: RequestInit): Promise<Response> {
    const { schedule, random } = this.#world;
    const { hostname, pathname } = new URL(url);
    const gpu = this.#gpus.get(hostname);
    if (!gpu) return Promise.reject(new TypeError("getaddrinfo ENOTFOUND"));
    const { signal } = init;
    const body = typeof init.body === "string" ? init.body : null;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(aborted());
      let stream: ReadableStreamDefaultController<Uint8Array> | null = null;
      let over = false;
      const timers: Timer[] = [];
      const job = JOB.exec(body ?? "");
      const call: LiveCall | null =
        body === null || lease === null
          ? null
          : { job: Number(job?.[1] ?? job?.[2] ?? -1), backendId: gpu.id, lease, isolate, beganAt: schedule.now };

      /** On the server's side: it is busy with this no longer. */
      const leave = () => {
        if (call) this.live.delete(call);
        this.#connections.delete(connection);
        isolate.onDeath.delete(died);
        for (const timer of timers) timer.canceled = true;
      };
      /** What comes over the connection comes in order, even where the isolate is frozen meanwhile. */
      const arrived: (() => void)[] = [];
      const arrive = (what: () => void) => {
        arrived.push(what);
        isolate.after(random.int(0, 3), () => {
          for (const each of arrived.splice(0)) if (!over) each();
        });
      };
      const unlisten = () => {
        signal?.removeEventListener("abort", abort);
        this.#listening.delete(unlisten);
      };
      const end = () => {
        over = true;
        unlisten();
      };
      const died = () => {
        leave();
        unlisten();
      };
      const fail = (error: Error) => {
        end();
        stream?.error(error);
        reject(error);
      };
      const broken = () => {
        leave();
        arrive(() => fail(new TypeError("Network connection lost.")));
      };
      const abort = () => {
        leave();
        fail(aborted());
      };
      const connection: Connection = { gpu, call, cut: broken };
      const later = (ms: number, run: () => void) => void timers.push(schedule.after(ms, run));
      const head = (response: Response) => arrive(() => resolve(response));
      const whole = (text: string, status: number, headers: Record<string, string>) => {
        leave();
        arrive(() => {
          end();
          resolve(new Response(text, { status, headers }));
        });
      };
      const parts = (controller: ReadableStreamDefaultController<Uint8Array>): Stream => {
        stream = controller;
        return {
          push: (part) => arrive(() => controller.enqueue(part)),
          end: () => {
            leave();
            arrive(() => {
              end();
              controller.close();
            });
          },
        };
      };

      /** The client wants no more of the body. */
      const closed = () => {
        leave();
        end();
      };

      signal?.addEventListener("abort", abort);
      this.#listening.add(unlisten);
      isolate.onDeath.add(died);
      this.#connections.add(connection);
      later(random.int(0, 4), () => {
        const down = gpu.downUntil > schedule.now;
        if (gpu.partitioned === "hangs") return;
        if (down || gpu.partitioned === "refuses") return broken();
        if (gpu.partitioned === "tunnel") {
          if (call) this.#world.tunneled(call);
          return whole("<html><title>1033</title></html>", 530, { "Content-Type": "text/html" });
        }
        if (body === null) return whole(readiness(gpu, pathname), 200, { "Content-Type": "application/json" });
        if (call) {
          this.live.add(call);
          this.#world.began(call);
        }
        const progressUrl = new Headers(init.headers).get("claimcheck-progress-url");
        if (call && progressUrl !== null) this.#speak(gpu, progressUrl);
        this.#serve(gpu, call, body, { later, whole, head, broken, closed, stream: parts });
      });
    });
  }

  #serve(gpu: Gpu, call: LiveCall | null, body: string, wire: Wire): void {
    const job = call?.job ?? -1;
    const { random, schedule } = this.#world;
    const faults = this.#world.faults();
    const draw = random.next();
    let reach = 0;
    const falls = (chance: number) => draw < (reach += chance);
    const runMs = Math.max(1, Math.round(gpu.meanRunMs * (0.5 + random.next())));
    const ways = waysOf(gpu.protocol, faults.ways);
    const isStreamed = gpu.protocol === "openai" && body.includes('"stream":true');
    const json = { "Content-Type": "application/json" };
    const bad = BAD.exec(body);
    if (bad) {
      const ends = waysOf(gpu.protocol, BAD_ENDS);
      const end = ends[Number(bad[1] ?? bad[2]) % ends.length];
      if (end) this.#unkindly(end, gpu, call, 1, wire);
    } else if (POISON.test(body)) {
      this.poisoned++;
      wire.later(Math.ceil(runMs / 2), () => this.crash(gpu.id, random.int(2_000, 20_000)));
    } else if (falls(faults.crash)) wire.later(Math.ceil(runMs * random.next()), () => this.crash(gpu.id, random.magnitude(1_000, 60_000)));
    else if (falls(faults.cut)) wire.later(Math.ceil(runMs * random.next()), () => wire.broken());
    else if (falls(faults.unavailable)) wire.later(1, () => wire.whole('{"error":"loading"}', 503, { ...json, ...this.#retryAfter() }));
    else if (falls(faults.busy)) wire.later(1, () => wire.whole('{"error":"busy"}', 429, { ...json, ...this.#retryAfter() }));
    else if (ways.length > 0 && !isStreamed && falls(faults.unkind))
      this.#unkindly(random.pick(ways), gpu, call, random.int(1, runMs), wire);
    else {
      const slow = falls(faults.slow) ? random.int(2, 20) : 1;
      const text = answerOf(gpu, job, LARGE.test(body), schedule.now);
      wire.later(untilStep(gpu, schedule.now, runMs * slow), () => {
        this.#world.answered(job, text);
        this.done++;
        if (isStreamed) this.#asEvents(text, wire, random.chance(faults.cut));
        else if (gpu.stepMs !== null || random.chance(0.8)) wire.whole(text, 200, json);
        else this.#inParts(text, wire, random.chance(faults.cut));
      });
    }
  }

  /** A few words on the way, some of which take back what was said, and some of which come when it is over. */
  #speak({ meanRunMs }: Gpu, url: string): void {
    const { schedule, progressRandom: random } = this.#world;
    const count = random.pick([0, 1, 3, 8, 20]);
    for (let word = 1; word <= count; word++) {
      const share = random.chance(0.2) ? random.next() : word / count;
      const words = { progress: Math.round(share * 1_000) / 1_000, message: random.chance(0.3) ? `step ${word}` : null };
      schedule.after((meanRunMs * 1.2 * word * random.next() * 2) / count, () => this.#world.says(url, words));
    }
  }

  #unkindly(way: Unkindness, gpu: Gpu, call: LiveCall | null, afterMs: number, wire: Wire): void {
    this.#world.trace(`${gpu.id} answers #${call?.job} so: ${way.name}`);
    perform(way.does, afterMs, wire, this.#world.random, () => {
      if (call) this.#world.said(call, gpu.protocol, way);
    });
  }

  /** The head of the answer first, its body later, or only half of it. */
  #inParts(text: string, wire: Wire, breaksOff: boolean): void {
    const { random } = this.#world;
    const bytes = new TextEncoder().encode(text);
    const half = Math.floor(bytes.length / 2);
    const streams: Stream[] = [];
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => void streams.push(wire.stream(controller)),
      cancel: () => wire.closed(),
    });
    wire.head(new Response(body, { status: 200, headers: { "Content-Type": "application/json" } }));
    wire.later(random.int(4, 500), () => {
      streams[0]?.push(bytes.slice(0, half));
      if (breaksOff) return wire.broken();
      wire.later(random.int(1, 500), () => {
        streams[0]?.push(bytes.slice(half));
        streams[0]?.end();
      });
    });
  }

  /** A chat as a stream: its text in pieces that come one after the other, up to its end or not so far. */
  #asEvents(text: string, wire: Wire, breaksOff: boolean): void {
    const { random } = this.#world;
    const { id, choices } = JSON.parse(text) as { id: string; choices: { message: { content: string } }[] }; // as answerOf makes it
    const content = choices[0]?.message.content ?? "";
    const event = (delta: object, finish: string | null) =>
      `data: ${JSON.stringify({ id, object: "chat.completion.chunk", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
    const size = Math.max(1, Math.ceil(content.length / random.int(1, 8)));
    const events = Array.from({ length: Math.ceil(content.length / size) }, (_, index) =>
      event({ content: content.slice(index * size, (index + 1) * size) }, null),
    );
    const streams: Stream[] = [];
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => void streams.push(wire.stream(controller)),
      cancel: () => wire.closed(),
    });
    wire.head(new Response(body, { status: 200, headers: { "Content-Type": "text/event-stream" } }));
    let at = 0;
    const push = (each: string) => streams[0]?.push(new TextEncoder().encode(each));
    for (const each of events) wire.later((at += random.int(1, 300)), () => push(each));
    wire.later(at + random.int(1, 300), () => {
      if (breaksOff) return wire.broken();
      push(`${event({}, "stop")}data: [DONE]\n\n`);
      streams[0]?.end();
    });
  }

  #retryAfter(): Record<string, string> {
    const { random, schedule } = this.#world;
    const seconds = random.pick([1, 1, 2, 5, 10, 100_000]);
    const date = new Date(schedule.now + Math.min(seconds, 60) * 1_000).toUTCString();
    return random.pick<Record<string, string>>([
      {},
      { "Retry-After": String(seconds) },
      { "Retry-After": date },
      { "Retry-After": "soon" },
    ]);
  }
}

function aborted(): Error {
  return new DOMException("This operation was aborted", "AbortError");
}

/** How long it takes to answer: until its next step after so long. */
function untilStep({ stepMs }: Gpu, now: number, runMs: number): number {
  return stepMs === null ? runMs : runMs + stepMs - ((now + runMs) % stepMs);
}

function readiness(gpu: Gpu, path: string): string {
  if (gpu.protocol === "openai") return '{"object":"list","data":[]}';
  return path.endsWith("/ready") ? "{}" : '{"name":"model","platform":"simulated"}';
}

const PADDING = "x".repeat(33_000);

/** An answer that cannot be taken for that of another job. */
function answerOf(gpu: Gpu, job: number, large: boolean, now: number): string {
  const said = { job, by: gpu.id, at: now, ...(large ? { padding: PADDING } : {}) };
  switch (gpu.protocol) {
    case "http":
      return JSON.stringify(said);
    case "openai":
      return JSON.stringify({ id: `chat-${job}`, choices: [{ index: 0, message: { role: "assistant", content: JSON.stringify(said) } }] });
    case "oip":
      return JSON.stringify({
        model_name: "model",
        outputs: [
          { name: "job", shape: [1], datatype: "INT64", data: [job] },
          ...(large ? [{ name: "padding", shape: [1], datatype: "BYTES", data: [PADDING] }] : []),
        ],
      });
    default:
      return gpu.protocol satisfies never;
  }
}
