/**
 * What customers run: receivers of webhooks, and the public resolver that knows their names. A receiver takes what it is
 * sent and says so, or says so too late, or not at all; it is busy, fails, redirects, wants no more, hangs or can't be
 * reached. Some are away for days.
 */
import type { Fetch } from "../../../src/backends/backend.ts";
import type { ReceiverFaults } from "../faults.ts";
import type { Isolate } from "../platform/isolate.ts";
import type { Random } from "../random.ts";
import { BEGINNING, type Schedule } from "../schedule.ts";

export interface ReceiverSettings {
  readonly url: string;
  /** Of its answers, how many are failures until it is back, that long after the beginning. */
  readonly failing: number;
  readonly backAfterMs: number;
}

/** A request that has reached a receiver. */
export interface Receipt {
  readonly url: string;
  /** The `webhook-id`. */
  readonly id: string;
  readonly body: string;
  /** What it answers, whether or not that ever arrives. */
  readonly status: number;
}

export interface ReceiversWorld {
  readonly schedule: Schedule;
  readonly random: Random;
  faults(): ReceiverFaults;
  received(receipt: Receipt): void;
  trace(what: string): void;
}

const RESOLVER = "https://cloudflare-dns.com/";
/** A receiver has 15 s. */
const TOO_LATE_MS = 16_000;

export class Receivers {
  readonly #world: ReceiversWorld;
  readonly #receivers = new Map<string, ReceiverSettings>();
  /** Calls that have not ended on the caller's side. */
  underWay = 0;

  constructor(world: ReceiversWorld, settings: readonly ReceiverSettings[]) {
    this.#world = world;
    for (const each of settings) this.#receivers.set(each.url, each);
  }

  /** The public network, as it is seen from an isolate. */
  fetchOf(isolate: Isolate): Fetch {
    return (url, init) => this.#fetch(isolate, url, init);
  }

  #fetch(isolate: Isolate, url: string, { signal, body, headers }: RequestInit): Promise<Response> {
    const { schedule, random } = this.#world;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(aborted());
      let isOver = false;
      this.underWay++;
      const end = () => {
        if (isOver) return false;
        isOver = true;
        this.underWay--;
        signal?.removeEventListener("abort", abort);
        isolate.onDeath.delete(end);
        return true;
      };
      const abort = () => void (end() && reject(aborted()));
      signal?.addEventListener("abort", abort);
      isolate.onDeath.add(end);
      const arrive = (settle: () => void) => isolate.after(random.int(0, 3), () => void (end() && settle()));
      const wire: Wire = {
        answer: (afterMs, response) => void schedule.after(afterMs, () => arrive(() => resolve(response()))),
        breakOff: (afterMs) => void schedule.after(afterMs, () => arrive(() => reject(new TypeError("Network connection lost.")))),
      };
      schedule.after(random.int(0, 4), () => {
        if (url.startsWith(RESOLVER)) return this.#resolve(wire);
        const id = new Headers(headers).get("webhook-id") ?? "";
        this.#receive(url, id, typeof body === "string" ? body : "", wire);
      });
    });
  }

  #resolve(wire: Wire): void {
    const { random } = this.#world;
    const faults = this.#world.faults();
    if (random.chance(faults.unresolved)) return random.chance(0.5) ? wire.breakOff(1) : undefined;
    wire.answer(1, () => Response.json({ Status: 0, Answer: [{ type: 1, data: "93.184.215.14" }] }));
  }

  #receive(url: string, id: string, body: string, wire: Wire): void {
    const { random, schedule } = this.#world;
    const receiver = this.#receivers.get(url);
    if (!receiver) return wire.breakOff(1);
    const faults = this.#world.faults();
    const draw = random.next();
    let reach = 0;
    const falls = (chance: number) => draw < (reach += chance);
    const take = (status: number) => this.#world.received({ url, id, body, status });
    const says = (afterMs: number, status: number, headers: Record<string, string> = {}) => {
      take(status);
      wire.answer(
        afterMs,
        () => new Response(status === 204 ? null : status === 500 ? "It broke. ".repeat(60) : "so", { status, headers }),
      );
    };
    const isAway = schedule.now < BEGINNING + receiver.backAfterMs && random.chance(receiver.failing);
    if (isAway && random.chance(0.5)) return wire.breakOff(1);
    if (isAway) return says(random.int(1, 2_000), random.pick([500, 500, 503, 404, 302]), { Location: "https://elsewhere.example.com/" });
    if (falls(faults.refuses)) return wire.breakOff(1);
    if (falls(faults.hangs)) return; // the caller closes it
    if (falls(faults.late)) return says(random.int(TOO_LATE_MS, 60_000), 200);
    if (falls(faults.cut)) {
      take(200);
      return wire.breakOff(random.int(1, 5_000));
    }
    if (falls(faults.error)) return says(random.int(1, 5_000), random.pick([500, 502, 504, 404]));
    if (falls(faults.busy)) return says(1, random.pick([429, 503]), retryAfter(random));
    if (falls(faults.redirect)) return says(1, random.pick([301, 302, 307]), { Location: "https://elsewhere.example.com/" });
    if (falls(faults.gone)) return says(1, 410);
    says(random.int(1, 500), random.pick([200, 202, 204]));
  }
}

interface Wire {
  answer(afterMs: number, response: () => Response): void;
  breakOff(afterMs: number): void;
}

function retryAfter(random: Random): Record<string, string> {
  return random.pick<Record<string, string>>([{}, { "Retry-After": "1" }, { "Retry-After": "120" }, { "Retry-After": "soon" }]);
}

function aborted(): Error {
  return new DOMException("This operation was aborted", "AbortError");
}
