/**
 * dispatch: from the client's having the answer of a submit to the backend's having the call, with a free slot. Its
 * floor is a do-nothing round trip to the same Worker, measured between the rounds.
 * streaming: chat completions of 20 tokens, one every 10 ms, one after the other: from the server's writing a token to the
 * client's reading it, for the first token and for all others. Beside it the same client at the server itself.
 */
import { performance } from "node:perf_hooks";
import { type Deployment, until } from "../test/support/deployment.ts";
import { type Gpu, chat, ok } from "../test/support/gpu.ts";
import { model, submit } from "./client.ts";
import { type Samples, quantile } from "./figures.ts";

const WARM_UP = 30;
const ROUNDS = 300;
const STREAMS = 200;
const TOKENS = 20;
const TOKEN_MS = 10;
const STREAMED = "streamed";

function line(name: string, samples: readonly number[]): void {
  const figures = [0.5, 0.95, 0.99].map((share) => `p${share * 100} ${quantile(samples, share).toFixed(2)} ms`);
  console.log(`  ${name.padEnd(52)} ${figures.join("   ")}`);
}

export async function dispatch(deployment: Deployment, key: string, gpu: Gpu): Promise<Samples> {
  await model(deployment, gpu, "dispatch", 1);
  const called = new Map<number, number>();
  gpu.does((call) => {
    called.set(Number(call.body.inputs[0]?.data[0]), performance.now());
    return ok;
  });
  const delays: number[] = [];
  const submits: number[] = [];
  const floor: number[] = [];
  for (let round = 0; round < WARM_UP + ROUNDS; round++) {
    const begun = performance.now();
    await submit(deployment, key, "dispatch", round);
    const answered = performance.now();
    await until(
      async () => called.get(round),
      (time) => time !== undefined,
      10,
      1,
    );
    const bare = performance.now();
    await deployment.api("GET", "/healthz");
    if (round < WARM_UP) continue;
    floor.push(performance.now() - bare);
    submits.push(answered - begun);
    // Called before the client even had its answer counts as no delay at all.
    delays.push(Math.max(0, (called.get(round) ?? Number.NaN) - answered));
  }
  console.log(`dispatch, ${ROUNDS} submits one after the other, a free slot each time`);
  line("a do-nothing round trip (GET /healthz)", floor);
  line("submit until its answer", submits);
  line("from the answer until the backend is called", delays);
  return { floor, submits, delays };
}

/** Reads a stream; when each of its tokens had come, by `performance.now()`. */
async function tokensOf(url: string, key: string): Promise<number[]> {
  const response = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${key}` },
    body: JSON.stringify({ model: STREAMED, messages: [{ role: "user", content: "?" }], stream: true }),
  });
  if (!response.ok || !response.body) throw new Error(`a stream answered ${response.status}: ${await response.text()}`);
  const arrivals: number[] = [];
  const decoder = new TextDecoder();
  for await (const bytes of response.body) {
    const now = performance.now();
    const tokens = decoder.decode(bytes, { stream: true }).split('"content":').length - 1;
    for (let token = 0; token < tokens; token++) arrivals.push(now);
  }
  return arrivals;
}

/** Token by token, how long each was under way. */
async function delaysOf(gpu: Gpu, url: string, key: string): Promise<{ first: number[]; others: number[] }> {
  const first: number[] = [];
  const others: number[] = [];
  for (let round = 0; round < WARM_UP + STREAMS; round++) {
    const arrivals = await tokensOf(url, key);
    const sentAt = gpu.calls.at(-1)?.sentAt ?? [];
    if (arrivals.length !== TOKENS) throw new Error(`${arrivals.length} tokens came`);
    if (round < WARM_UP) continue;
    const delays = arrivals.map((at_, token) => at_ - (sentAt[token] ?? Number.NaN));
    first.push(delays[0] ?? Number.NaN);
    others.push(...delays.slice(1));
  }
  return { first, others };
}

export async function streaming(deployment: Deployment, key: string, gpu: Gpu): Promise<Samples> {
  const tokens = Array.from({ length: TOKENS }, (_, token) => ` token${token}`);
  gpu.does(() => chat(tokens, TOKEN_MS));
  await deployment.operator("POST", "/models", { name: STREAMED });
  await deployment.operator("POST", "/backends", { model: STREAMED, url: gpu.url, protocol: "openai" });
  const direct_ = await delaysOf(gpu, gpu.url, key);
  const through = await delaysOf(gpu, deployment.url, key);
  console.log(
    `streaming, ${STREAMS} chats of ${TOKENS} tokens, one every ${TOKEN_MS} ms; from the server's writing to the client's reading`,
  );
  line("first token, from the server itself", direct_.first);
  line("first token, through us", through.first);
  line("other tokens, from the server itself", direct_.others);
  line("other tokens, through us", through.others);
  return { direct: direct_.first, directOthers: direct_.others, through: through.first, throughOthers: through.others };
}
