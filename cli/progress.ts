/** The bar of `submit`. */
import type { Inference } from "../client/typescript/client.ts";
import { bar, dim, green, red } from "../src/local/terminal.ts";
import { type Output, duration } from "./print.ts";

const DRAW_EVERY_MS = 100;

/** A line that is drawn again and again, on a terminal alone. */
export class Progress {
  readonly #output: Output;
  readonly #total: number;
  readonly #began = Date.now();
  readonly #before: number;
  #submitted: number;
  #done = 0;
  #failed = 0;
  #drawnAt = 0;

  constructor(output: Output, total: number, before: number) {
    this.#output = output;
    this.#total = total;
    this.#before = before;
    this.#submitted = before;
  }

  submitted(): void {
    this.#submitted++;
    this.#draw();
  }

  ended(inferences: readonly Inference[]): void {
    this.#done = inferences.length;
    this.#failed = inferences.filter((it) => it.status !== "succeeded").length;
    this.#draw();
  }

  #draw(): void {
    if (!this.#output.isTerminal || Date.now() - this.#drawnAt < DRAW_EVERY_MS) return;
    this.#drawnAt = Date.now();
    const submitting = this.#submitted < this.#total;
    const [count, verb] = submitting ? [this.#submitted, "submitted"] : [this.#done, "ended"];
    const seconds = (Date.now() - this.#began) / 1000;
    const rate = (submitting ? count - this.#before : count) / Math.max(0.001, seconds);
    const left = rate > 0 ? `  ${rate.toFixed(1)}/s  ${duration(((this.#total - count) / rate) * 1000)} left` : "";
    const failed = this.#failed > 0 ? `  ${red(`${this.#failed} failed`)}` : "";
    process.stderr.write(`\r\u001b[K${bar(count / this.#total)} ${count}/${this.#total} ${green(verb)}${failed}${dim(left)}`);
  }

  end(): void {
    if (this.#output.isTerminal && this.#drawnAt > 0) process.stderr.write("\r\u001b[K");
    this.#drawnAt = 0;
  }
}
