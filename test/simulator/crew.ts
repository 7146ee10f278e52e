/** A thread that runs the seeds it is given, one after the other; with a planted bug only until one finds it, and reports that one alone. */
import { parentPort } from "node:worker_threads";
import { MUTATIONS } from "./mutations.ts";
import { type Report, simulate } from "./simulation.ts";

export interface Task {
  readonly seeds: readonly number[];
  readonly steps: number;
  /** The name of a planted bug, or null. */
  readonly mutation: string | null;
}

export type Result = { readonly reports: readonly Report[] } | { readonly failure: string };

async function perform({ seeds, steps, mutation: name }: Task): Promise<Result> {
  const mutation = MUTATIONS.find((each) => each.name === name);
  const reports: Report[] = [];
  try {
    for (const seed of seeds) {
      const report = await simulate(seed, { steps, ...(mutation ? { mutation } : {}) });
      if (!mutation || report.violation) reports.push(report);
      if (mutation && report.violation) break;
    }
    return { reports };
  } catch (error) {
    return { failure: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

parentPort?.on("message", (task: Task) => {
  void perform(task).then((result) => parentPort?.postMessage(result, []));
});
