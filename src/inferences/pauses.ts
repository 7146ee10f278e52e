/**
 * The pauses of a request that waits for its turn. Once it has waited for a while it watches its inference (watch.ts), so that it is
 * told when a runner claims it in its name, and looks seldom by itself. Where it can't watch, it looks as often as before.
 */
import { WATCH_MARK_MS } from "../limits.ts";
import type { Ports, Watch } from "../ports.ts";
import type { InferenceName } from "./change.ts";
import { bestEffort } from "./hints.ts";
import { watchStatements } from "./sql/watch.ts";

/** No answer waits for so long. */
const FOR_EVER_MS = 2 ** 31 - 1;

export class Pauses {
  readonly #ports: Pick<Ports, "db" | "watch" | "clock">;
  readonly #name: InferenceName;
  readonly #gone: AbortSignal;
  #watch: Watch | null = null;
  /** Ends when something is told. */
  #told: Promise<void> | null = null;

  constructor(ports: Pick<Ports, "db" | "watch" | "clock">, name: InferenceName, gone: AbortSignal) {
    this.#ports = ports;
    this.#name = name;
    this.#gone = gone;
  }

  /** Whether it is told of changes. */
  get isTold(): boolean {
    return this.#watch !== null;
  }

  /** Begins to watch, if it does not and can. True if it has begun: what has changed before that is still to be looked for. */
  async begin(): Promise<boolean> {
    if (this.#watch) return false;
    await bestEffort("waiter_not_told", this.#begin());
    return this.isTold;
  }

  async #begin(): Promise<void> {
    const { accountId, id } = this.#name;
    const watch = await this.#ports.watch.open(accountId, id);
    if (!watch) return;
    try {
      await this.#ports.db.all(watchStatements.watch(accountId, id, watch.object, WATCH_MARK_MS));
    } catch (error) {
      watch.close();
      throw error;
    }
    this.#watch = watch;
  }

  /** Ends after `ms`, when something is told, or when the client is gone. */
  async pause(ms: number): Promise<void> {
    const { clock } = this.#ports;
    if (!this.#watch) return clock.sleep(ms, this.#gone);
    this.#told ??= this.#listen(this.#watch);
    const over = new AbortController();
    await Promise.race([this.#told, clock.sleep(ms, AbortSignal.any([this.#gone, over.signal]))]);
    over.abort();
  }

  async #listen(watch: Watch): Promise<void> {
    const told = await watch.next(FOR_EVER_MS, this.#gone);
    this.#told = null;
    if (told === null) this.#watch = null; // the connection is lost: the next look sees to another
  }

  end(): void {
    this.#watch?.close();
  }
}
