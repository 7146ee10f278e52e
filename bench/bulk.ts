/**
 * bulk: how many inferences are accepted in a second, submitted one by one over 32 connections, and 1,000 at once over one; with a key on each
 * line too. Alternates, on one deployment whose only backend is paused.
 */
import { Agent, request } from "node:http";
import { type Deployment, deploy, newFolder } from "../test/support/deployment.ts";
import { startGpu } from "../test/support/gpu.ts";
import { bigKey, model } from "./client.ts";
import { type Samples, quantile } from "./figures.ts";

const MODEL = "bulk";
const CONNECTIONS = 32;
const SINGLES = 2_000;
const LINES = 1_000;
const CALLS = 10;

type Post = (path: string, body: string, type: string) => Promise<string>;

export async function bulk(rounds: number): Promise<Samples> {
  const deployment = await deploy({ folder: newFolder() });
  const gpu = await startGpu();
  const single: number[] = [];
  const many: number[] = [];
  const keyed: number[] = [];
  for (let round = -1; round < rounds; round++) {
    // An account may have 50,000 open.
    const post = postTo(deployment, await bigKey(deployment));
    if (round < 0) await model(deployment, gpu, MODEL, 1, "paused");
    const rates = [await oneByOne(post), await inBulk(post, false), await inBulk(post, true)] as const;
    if (round < 0) continue; // what comes first compiles what all need
    [single, many, keyed].forEach((samples, which) => samples.push(rates[which] ?? 0));
  }
  await deployment.interrupt();
  await gpu.close();
  const one = quantile(single, 0.5);
  console.log(`bulk, median of ${rounds} rounds`);
  console.log(`  one by one, ${CONNECTIONS} connections         ${one.toFixed(0)} a second`);
  console.log(`  ${LINES} at once                      ${quantile(many, 0.5).toFixed(0)} a second, ${ratio(many, single)} times as many`);
  console.log(`  ${LINES} at once, each with a key     ${quantile(keyed, 0.5).toFixed(0)} a second, ${ratio(keyed, single)} times as many`);
  return { single, many, keyed };
}

/** The median of what each round's ratio is. */
const ratio = (many: readonly number[], single: readonly number[]) =>
  quantile(
    many.map((rate, round) => rate / (single[round] ?? 0)),
    0.5,
  ).toFixed(1);

const inputOf = (number: number) => ({ model: MODEL, input: { x: [number] } });

/** How many are accepted in a second. */
async function rateOf(count: number, work: () => Promise<void>): Promise<number> {
  const begun = performance.now();
  await work();
  return (count / (performance.now() - begun)) * 1000;
}

function oneByOne(post: Post): Promise<number> {
  let left = SINGLES;
  const client = async () => {
    while (left-- > 0) await post("/v1/inferences", JSON.stringify(inputOf(left)), "application/json");
  };
  return rateOf(SINGLES, async () => void (await Promise.all(Array.from({ length: CONNECTIONS }, client))));
}

function inBulk(post: Post, isKeyed: boolean): Promise<number> {
  const lineOf = (number: number) => JSON.stringify({ ...inputOf(number), ...(isKeyed && { idempotency_key: `key-${number}` }) });
  const bodies = Array.from({ length: CALLS }, (_, call) =>
    Array.from({ length: LINES }, (__, line) => lineOf(call * LINES + line)).join("\n"),
  );
  return rateOf(CALLS * LINES, async () => {
    for (const body of bodies) {
      const { accepted } = JSON.parse(await post("/v1/inferences/bulk", body, "application/x-ndjson")) as { accepted: number }; // as documented
      if (accepted !== LINES) throw new Error(`${accepted} of ${LINES} were accepted`);
    }
  });
}

/** Plain HTTP, which takes less of the machine than `fetch` does. */
function postTo({ url }: Deployment, key: string): Post {
  const agent = new Agent({ keepAlive: true });
  return (path, body, type) =>
    new Promise((resolve, reject) => {
      const headers = { Authorization: `Bearer ${key}`, "Content-Type": type, "Content-Length": Buffer.byteLength(body) };
      const sent = request(url + path, { method: "POST", agent, headers }, (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (part: string) => (text += part));
        answer.on("end", () => (answer.statusCode === 202 ? resolve(text) : reject(new Error(`${answer.statusCode}: ${text}`))));
        answer.on("error", reject);
      });
      sent.on("error", reject);
      sent.end(body);
    });
}
