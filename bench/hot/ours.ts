/** A whole deployment, filled through its public APIs. */
import { crc32 } from "node:zlib";
import { ALPHABET } from "../../src/ids.ts";
import { type Deployment, deploy, newFolder, until } from "../../test/support/deployment.ts";
import { runtimeOf } from "../bare.ts";
import {
  ACCOUNTS,
  type Contestant,
  FINISHED,
  KEYS,
  KEY_LIMIT,
  LARGE,
  LIMITED_KEY_LIMIT,
  LIVE,
  LONG,
  MIB,
  PAUSED,
  FORGED,
  SLOTS,
  WAITING,
  call,
  nth,
  numbers,
  pool,
} from "./contestant.ts";
import type { LoadRequest } from "./load.ts";

const AT_ONCE = 8;

/** An inference, and the key that it was submitted with. */
interface Submitted {
  readonly id: string;
  readonly key: string;
}

const get = (path: string, key: string): LoadRequest => ({ method: "GET", path, headers: { Authorization: `Bearer ${key}` } });

const getVody = ({ id, key }: Submitted): LoadRequest => ({
  method: "GET",
  path: `/inference/${id}/status`,
  headers: { "X-Vody-Api-Key": key },
});

const status = ({ id, key }: Submitted) => get(`/v1/inferences/${id}`, key);

export const submission = (model: string, key: string): LoadRequest => ({
  method: "POST",
  path: "/v1/inferences",
  headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
  body: JSON.stringify({ model, input: { x: [0] } }),
});

const CHECKSUM_LENGTH = 6;

/** A key of the published form whose checksum is right: only its tag gives it away. */
function forged(key: string, number = 0): string {
  const other = (key.at(30) === "A" ? "B" : "A") + String(number).padStart(6, "0");
  const body = key.slice(0, 30) + other + key.slice(37, -CHECKSUM_LENGTH);
  let checksum = "";
  for (let rest = crc32(body); checksum.length < CHECKSUM_LENGTH; rest = Math.floor(rest / ALPHABET.length)) {
    checksum = (ALPHABET[rest % ALPHABET.length] ?? "") + checksum;
  }
  return body + checksum;
}

async function keysOf({ operator }: Deployment): Promise<{ keys: string[]; limited: string }> {
  const accounts = await pool(
    numbers(ACCOUNTS),
    AT_ONCE,
    async (index) => (await operator("POST", "/accounts", { name: `bench-${index}` }))["id"],
  );
  const mint = async (account_id: unknown, limit: number) => {
    const limits = { read: limit, submit: limit, cancel: limit };
    return String((await operator("POST", "/keys", { account_id, limits }))["key"]);
  };
  const keys = await pool(numbers(KEYS), AT_ONCE, (index) => mint(nth(accounts, index), KEY_LIMIT));
  return { keys, limited: await mint(accounts[0], LIMITED_KEY_LIMIT) };
}

/** `gpu` answers at once. */
export async function startOurs(gpu: string): Promise<Contestant> {
  const deployment = await deploy({ folder: newFolder() });
  const { operator, url } = deployment;
  const { keys, limited } = await keysOf(deployment);
  const lanes = [
    { model: LIVE, url: gpu, protocol: "oip", max_concurrency: SLOTS },
    { model: MIB, url: `${gpu}/mib`, protocol: "http", max_concurrency: AT_ONCE },
    { model: PAUSED, url: gpu, protocol: "oip", max_concurrency: 1, state: "paused" },
    { model: LONG, url: gpu, protocol: "oip", max_concurrency: 1, state: "paused" },
  ];
  for (const lane of lanes) {
    await operator("POST", "/models", { name: lane.model });
    await operator("POST", "/backends", lane);
  }
  const submit = (model: string, count: number) =>
    pool(numbers(count), AT_ONCE, async (index): Promise<Submitted> => {
      const key = nth(keys, index);
      const { id } = JSON.parse(await call(url, submission(model, key), 202)) as { id: string }; // of an answer of 202
      return { id, key };
    });
  const finished = await submit(LIVE, FINISHED);
  const large = await submit(MIB, LARGE);
  const waiting = await submit(LONG, WAITING);
  await pool([...finished, ...large], AT_ONCE, async (inference) => {
    const look = async () => (JSON.parse(await call(url, status(inference), 200)) as { status: string }).status; // of an answer of 200
    const seen = await until(look, (it) => it !== "queued" && it !== "in_progress", 60);
    if (seen !== "succeeded") throw new Error(`an inference is ${seen}`);
  });
  return {
    name: "Claimcheck",
    url,
    pids: [runtimeOf((_, group) => group === deployment.pid)],
    rows: {
      healthz: { requests: [{ method: "GET", path: "/healthz", headers: {} }], answers: "success" },
      status: { requests: finished.map(status), answers: "success" },
      vody: { requests: finished.map(getVody), answers: "success" },
      waiting: { requests: waiting.map(status), answers: "success" },
      limited: { requests: finished.map(({ id }) => get(`/v1/inferences/${id}`, limited)), answers: "refusal" },
      forged: { requests: finished.map(({ id, key }) => get(`/v1/inferences/${id}`, forged(key))), answers: "refusal" },
      forgedAnew: {
        requests: numbers(FORGED).map((number) => get(`/v1/inferences/${nth(finished, number).id}`, forged(nth(keys, number), number))),
        answers: "refusal",
      },
      paused: { requests: keys.map((key) => submission(PAUSED, key)), answers: "success" },
      live: { requests: keys.map((key) => submission(LIVE, key)), answers: "success", fills: true },
      result: { requests: large.map(({ id, key }) => get(`/v1/inferences/${id}/result`, key)), answers: "success" },
    },
    async open() {
      const depth = JSON.parse(await call(url, get(`/v1/models/${LIVE}/queue`, nth(keys, 0)), 200)) as {
        queued: number;
        in_progress: number;
      }; // of an answer of 200
      return depth.queued + depth.in_progress;
    },
    async stop() {
      await deployment.interrupt();
    },
  };
}
