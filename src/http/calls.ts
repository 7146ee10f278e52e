/** Counts what calls are answered, by route: looked up once for each route and then only added to, since each poll passes here. */
import type { Cell, Observed } from "../metrics/observed.ts";
import type { ProblemCode } from "../problem.ts";

/** What of a route was answered, by status, and how long it took. */
export class CallCounts {
  readonly #observed: Observed;
  readonly #labels: readonly string[];
  readonly #seconds: Cell;
  readonly #byStatus = new Map<number, Cell>();

  constructor(observed: Observed, wire: string, method: string, path: string) {
    this.#observed = observed;
    this.#labels = [wire, method, path];
    this.#seconds = observed.cell("callSeconds", this.#labels);
  }

  note(status: number, ms: number): void {
    let cell = this.#byStatus.get(status);
    if (!cell) {
      cell = this.#observed.cell("calls", [...this.#labels, String(status)]);
      this.#byStatus.set(status, cell);
    }
    cell.add(1);
    this.#seconds.time(ms / 1000);
  }
}

/** Codes that refuse a call for its key or for a limit, and not for what it asks or what it asks about. */
const REFUSALS: ReadonlySet<ProblemCode> = new Set([
  "missing_key",
  "invalid_key",
  "revoked_key",
  "expired_key",
  "invalid_admin_token",
  "missing_scope",
  "budget_exceeded",
  "quota_exceeded",
  "body_too_large",
  "rate_limited",
  "too_many_waiting",
  "too_many_open",
  "model_not_ready",
  "database_full",
  "unavailable",
]);

export class RefusalCounts {
  readonly #cells: ReadonlyMap<ProblemCode, Cell>;

  constructor(observed: Observed) {
    this.#cells = new Map([...REFUSALS].map((code) => [code, observed.cell("refused", [code])]));
  }

  note(code: ProblemCode): void {
    this.#cells.get(code)?.add(1);
  }
}
