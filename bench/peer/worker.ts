/** The peer's process that does the jobs: for each queue so many at once, each a call to the GPU server. */
import { Worker } from "bullmq";
import { Redis } from "ioredis";
import { Agent, request } from "undici";

/** What the benchmark passes. */
interface Settings {
  readonly redisPort: number;
  readonly queues: readonly { readonly name: string; readonly url: string; readonly concurrency: number }[];
}

const settings = JSON.parse(process.argv[2] ?? "") as Settings;
const dispatcher = new Agent({ connections: 512 });

for (const { name, url, concurrency } of settings.queues) {
  const connection = new Redis({ host: "127.0.0.1", port: settings.redisPort, maxRetriesPerRequest: null });
  const work = async ({ data }: { data: { input: { x: unknown[] } } }) => {
    const body = JSON.stringify({ inputs: [{ name: "x", shape: [1], datatype: "INT64", data: data.input.x }] });
    const answer = await request(url, { method: "POST", dispatcher, headers: { "content-type": "application/json" }, body });
    if (answer.statusCode !== 200) throw new Error(`the GPU server answered ${answer.statusCode}`);
    return answer.headers["content-type"] === "application/json" ? answer.body.json() : answer.body.text();
  };
  const worker = new Worker(name, work, { connection, concurrency });
  worker.on("error", (error) => console.error(error));
  await worker.waitUntilReady();
}
process.on("disconnect", () => process.exit());
process.send?.("ready");
