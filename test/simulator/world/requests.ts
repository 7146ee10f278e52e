/** Requests as their clients see them: each comes to some isolate, and is answered unless that dies or the client loses patience. */
import type { After } from "../../../src/inferences/hints.ts";
import type { Ports } from "../../../src/ports.ts";
import type { Isolate } from "../platform/isolate.ts";
import type { Random } from "../random.ts";
import type { Actor, Waiter } from "../rules/lives.ts";
import type { Schedule } from "../schedule.ts";
import type { Job, Wait } from "../shape.ts";

/** How a request ended, as its client sees it: an answer, an error, or nothing at all. */
export type Reply<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

export interface RequestsWorld {
  readonly schedule: Schedule;
  readonly random: Random;
  readonly workers: readonly Isolate[];
  portsOf(actor: Actor): Ports;
  note(what: string): void;
}

export class Requests {
  readonly #world: RequestsWorld;
  /** Requests that wait, and for what. */
  readonly waiters = new Map<Waiter, { readonly job: number; readonly beganAt: number }>();

  constructor(world: RequestsWorld) {
    this.#world = world;
  }

  /** A client's request: comes to some isolate, and is answered unless that dies or the client loses patience. */
  request<T>(kind: "client" | "operator" | "model", handle: (ports: Ports, after: After) => Promise<T>): Promise<Reply<T>> {
    const isolate = this.#world.random.pick(this.#world.workers);
    const ports = this.#world.portsOf({ kind, isolate });
    const patienceMs = this.#world.random.pick([15_000, 30_000, 70_000]);
    return this.#serve(
      isolate,
      patienceMs,
      (after) => handle(ports, after),
      () => {},
    );
  }

  /** A request that waits for its inference, as its client does for the answer. */
  submitAndWait<T>(
    job: Job,
    wait: Wait,
    handle: (ports: Ports, after: After, gone: AbortSignal, waiter: Waiter) => Promise<T>,
  ): Promise<Reply<T>> {
    const isolate = this.#world.random.pick(this.#world.workers);
    const waiter: Waiter = { isolate, lease: null, goneAt: null, end: "none", isLost: false, misjudges: false };
    const ports = this.#world.portsOf({ kind: "waiter", waiter, isolate });
    const gone = new AbortController();
    const forget = () => void this.waiters.delete(waiter);
    const over = (end: Waiter["end"]) => {
      waiter.end = end;
      isolate.onDeath.delete(forget);
      forget();
    };
    const see = async (after: After) => {
      this.waiters.set(waiter, { job: job.number, beganAt: this.#world.schedule.now });
      isolate.onDeath.add(forget);
      try {
        const answer = await handle(ports, after, gone.signal, waiter);
        over("answered");
        return answer;
      } catch (error) {
        over("failed");
        throw error;
      }
    };
    const leaves = () => {
      this.#world.note(`client: #${job.number} is not waited for any more${wait.isHeard ? "" : ", which nobody hears of"}`);
      if (!wait.isHeard) return;
      isolate.after(this.#world.random.int(0, 5), () => {
        waiter.goneAt = this.#world.schedule.now;
        gone.abort();
      });
    };
    return this.#serve(isolate, wait.patienceMs, see, leaves);
  }

  /**
   * A request whose answer comes in pieces, in order, until it ends, its isolate dies, or its client leaves after so long. Resolves
   * with the status of an answer that has come to its end, an error, or null for a connection that broke or was left.
   */
  follow(
    handle: (ports: Ports, after: After, gone: AbortSignal) => Promise<Response>,
    take: (piece: Uint8Array) => void,
    stayMs: number,
  ): Promise<number | Error | null> {
    const { schedule, random } = this.#world;
    const isolate = random.pick(this.#world.workers);
    const ports = this.#world.portsOf({ kind: "client", isolate });
    const gone = new AbortController();
    return new Promise((resolve) => {
      let isOver = false;
      const coming: (() => void)[] = [];
      const comes = (what: () => void) => {
        coming.push(what);
        schedule.after(random.int(0, 5), () => {
          const next = coming.shift();
          if (!isOver) next?.();
        });
      };
      const end = (how: number | Error | null) => {
        isOver = true;
        isolate.onDeath.delete(died);
        if (leaves) leaves.canceled = true;
        resolve(how);
      };
      const died = () => comes(() => end(null));
      const leave = () => {
        end(null);
        isolate.after(random.magnitude(1, 5_000), () => gone.abort());
      };
      const leaves = stayMs === Infinity ? null : schedule.after(stayMs, leave);
      const serve = async () => {
        try {
          const answer = await handle(ports, (work) => void work, gone.signal);
          for await (const piece of answer.body ?? []) comes(() => take(piece));
          comes(() => end(answer.status));
        } catch (error) {
          comes(() => end(error instanceof Error ? error : new Error(String(error))));
        }
      };
      isolate.onDeath.add(died);
      isolate.after(random.int(0, 5), () => void serve());
    });
  }

  /** `left`: what happens where the client loses patience. */
  #serve<T>(isolate: Isolate, patienceMs: number, handle: (after: After) => Promise<T>, left: () => void): Promise<Reply<T>> {
    return new Promise((resolve) => {
      const answer = (reply: Reply<T>) => {
        isolate.onDeath.delete(died);
        impatient.canceled = true;
        this.#world.schedule.after(this.#world.random.int(0, 5), () => resolve(reply));
      };
      const died = () => answer({ ok: false, error: new Error("connection lost") });
      const impatient = this.#world.schedule.after(patienceMs, () => {
        left();
        answer({ ok: false, error: new Error("no answer") });
      });
      isolate.onDeath.add(died);
      isolate.after(this.#world.random.int(0, 5), () => {
        handle((work) => void work).then(
          (value) => answer({ ok: true, value }),
          (error: unknown) => answer({ ok: false, error }),
        );
      });
    });
  }
}
