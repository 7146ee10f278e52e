/**
 * What a team would otherwise run: one process with an API on Fastify, jobs in BullMQ, keys and limits in Redis. It checks the key of
 * each request and counts it against the key's limit before it does anything, as Claimcheck does. It makes its own keys at the start
 * and sends them to the benchmark. It imports nothing of Claimcheck.
 */
import { createHash, randomBytes } from "node:crypto";
import { Job, Queue } from "bullmq";
import Fastify, { type FastifyReply, type FastifyRequest } from "fastify";
import { Redis } from "ioredis";
import { RateLimiterRedis, RateLimiterRes } from "rate-limiter-flexible";

/** What the benchmark passes. */
interface Settings {
  readonly redisPort: number;
  readonly accounts: number;
  readonly keys: number;
  readonly keyLimit: number;
  readonly limitedKeyLimit: number;
}

interface Work {
  readonly account: string;
  readonly model: string;
  readonly input: unknown;
}

declare module "fastify" {
  interface FastifyRequest {
    account: string;
  }
}

const settings = JSON.parse(process.argv[2] ?? "") as Settings;
const redis = new Redis({ host: "127.0.0.1", port: settings.redisPort, maxRetriesPerRequest: null, enableAutoPipelining: true });
const queues = new Map<string, Queue<Work>>();
const limiters = new Map<number, RateLimiterRedis>();

function queueOf(model: string): Queue<Work> {
  const queue = queues.get(model) ?? new Queue<Work>(model, { connection: redis });
  queues.set(model, queue);
  return queue;
}

function limiterOf(points: number): RateLimiterRedis {
  const limiter = limiters.get(points) ?? new RateLimiterRedis({ storeClient: redis, keyPrefix: `limit-${points}`, points, duration: 1 });
  limiters.set(points, limiter);
  return limiter;
}

const digestOf = (key: string) => createHash("sha256").update(key).digest("hex");
const newKey = () => `pk_${randomBytes(30).toString("hex")}`;

async function mint(account: string, limit: number): Promise<string> {
  const key = newKey();
  await redis.hset(`key:${digestOf(key)}`, { account, limit });
  return key;
}

/** Checks the key and takes a permit. */
async function admit(request: FastifyRequest, reply: FastifyReply): Promise<void> {
  const text = /^Bearer (\S+)$/.exec(request.headers.authorization ?? "")?.[1];
  const digest = text === undefined ? "" : digestOf(text);
  const key = text === undefined ? {} : await redis.hgetall(`key:${digest}`);
  if (!key["account"] || key["revoked"]) {
    await reply.code(401).send({ error: "There is no such key, or it is revoked." });
    return;
  }
  request.account = key["account"];
  const points = Number(key["limit"]);
  try {
    const { remainingPoints } = await limiterOf(points).consume(digest);
    reply.header("RateLimit", `"key";r=${remainingPoints};t=1`).header("RateLimit-Policy", `"key";q=${points};w=1`);
  } catch (error) {
    if (!(error instanceof RateLimiterRes)) throw error;
    await reply.code(429).header("Retry-After", "1").send({ error: "Too many requests." });
  }
}

/** An id names its queue first. Null, and answered, unless it is a job of the caller's. */
async function find(request: FastifyRequest, reply: FastifyReply) {
  const { id } = request.params as { id: string }; // of the route
  const [model = "", number = ""] = id.split(".");
  const job = await Job.fromId<Work>(queueOf(model), number);
  if (job?.data.account === request.account) return job;
  await reply.code(404).send({ error: "There is no such job." });
  return null;
}

const time = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString());

const app = Fastify({ bodyLimit: 10_000_000 });

app.get("/nothing", async () => ({ ok: true }));

app.get("/v1/jobs/:id", { preHandler: admit }, async (request, reply) => {
  const job = await find(request, reply);
  if (!job) return reply;
  const status = await job.getState();
  return {
    id: (request.params as { id: string }).id, // of the route
    model: job.data.model,
    status,
    is_final: status === "completed" || status === "failed",
    created_at: time(job.timestamp),
    started_at: time(job.processedOn),
    finished_at: time(job.finishedOn),
    attempts: job.attemptsMade,
    max_attempts: job.opts.attempts,
    output: typeof job.returnvalue === "string" ? undefined : (job.returnvalue as unknown),
  };
});

app.get("/v1/jobs/:id/result", { preHandler: admit }, async (request, reply) => {
  const job = await find(request, reply);
  if (!job) return reply;
  if (!(await job.isCompleted())) return reply.code(409).send({ error: "The job is not completed." });
  if (typeof job.returnvalue === "string") reply.type("application/octet-stream");
  return reply.send(job.returnvalue);
});

const NEW_JOB = {
  type: "object",
  required: ["model", "input"],
  additionalProperties: false,
  properties: { model: { type: "string", maxLength: 128 }, input: {}, metadata: { type: "object" } },
};

app.post("/v1/jobs", { preHandler: admit, schema: { body: NEW_JOB } }, async (request, reply) => {
  const { model, input } = request.body as { model: string; input: unknown }; // as the schema has it
  const options = { attempts: 3, backoff: { type: "exponential", delay: 1000 } };
  const job = await queueOf(model).add("infer", { account: request.account, model, input }, options);
  return reply.code(202).send({ id: `${model}.${job.id}`, model, status: "queued", created_at: time(job.timestamp) });
});

/** For the benchmark: how many jobs are not final. */
// oxlint-disable-next-line oxc/no-async-endpoint-handlers -- Fastify awaits its handlers
app.get("/queues/:name", async (request) => {
  const { waiting = 0, active = 0 } = await queueOf((request.params as { name: string }).name).getJobCounts("waiting", "active");
  return { open: waiting + active };
});

const accounts = Array.from({ length: settings.accounts }, (_, index) => `account-${index}`);
const keys = await Promise.all(
  Array.from({ length: settings.keys }, (_, index) => mint(accounts[index % accounts.length] ?? "", settings.keyLimit)),
);
const limited = await mint(accounts[0] ?? "", settings.limitedKeyLimit);
const forged = Array.from({ length: settings.keys }, newKey);
const url = await app.listen({ port: 0, host: "127.0.0.1", backlog: 1024 });
process.on("disconnect", () => process.exit());
process.send?.({ url, keys, limited, forged });
