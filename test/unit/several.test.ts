/** Bodies of several values: what an isolate's memory allows. */
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { BULK_SUBMITS, JSON_BODY_BYTES } from "../../src/limits.ts";

/** What becomes of a body in an isolate that has as much memory as one of the platform's. */
async function readAlone(part: string, type: string): Promise<unknown> {
  const reading = `
    import { parentPort } from "node:worker_threads";
    import { readSeveral } from ${JSON.stringify(new URL("../../src/http/body.ts", import.meta.url).href)};
    const text = ${JSON.stringify(part)}.repeat(${JSON_BODY_BYTES / 2 - 2});
    const body = ${type === "application/json"} ? "[" + text + "1]" : text;
    const request = new Request("http://localhost", { method: "POST", body, headers: { "Content-Type": ${JSON.stringify(type)} } });
    parentPort.postMessage(await readSeveral(request, ${JSON_BODY_BYTES}, ${BULK_SUBMITS}).then((all) => all.length, (error) => error.faults));`;
  const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(reading)}`), {
    resourceLimits: { maxOldGenerationSizeMb: 128 },
  });
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  worker.once("message", resolve).once("error", reject);
  try {
    return await promise;
  } finally {
    await worker.terminate();
  }
}

test.each<[what: string, part: string, type: string, count: number]>([
  ["lines", "1\n", "application/x-ndjson", JSON_BODY_BYTES / 2 - 2],
  ["empty lines", "\n\n", "application/x-ndjson", 0],
  ["elements", "1,", "application/json", JSON_BODY_BYTES / 2 - 1],
])(
  "a body of millions of %s is refused by their number, within an isolate's memory",
  { timeout: 30_000 },
  async (_what, part, type, count) => {
    const detail = `must be 1 to ${BULK_SUBMITS} values, and is ${count}`;
    expect(await readAlone(part, type)).toEqual([{ path: [], detail }]);
  },
);
