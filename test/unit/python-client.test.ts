/** How the Python client, where there is Python, goes on with a stream of events that is cut, and what it sends of many inferences. */
import { execFile, spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { listening } from "../support/listening.ts";

const MODULE = fileURLToPath(new URL("../../client/python", import.meta.url));
const hasPython = spawnSync("python3", ["--version"]).error === undefined;

test.runIf(hasPython)("installed as a package it has what the file has, and says that it is typed", () => {
  const folder = mkdtempSync(join(tmpdir(), "package-"));
  try {
    cpSync(MODULE, join(folder, "claimcheck"), { recursive: true }); // as pyproject.toml maps the folder
    const program = `
import json, claimcheck, claimcheck.claimcheck as module
from importlib.resources import files
print(json.dumps([sorted(set(module.__all__) - set(dir(claimcheck))), claimcheck.__version__ == module.__version__, files(claimcheck).joinpath("py.typed").is_file()]))`;
    const env = { ...process.env, PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: "1" };
    const { stdout, stderr } = spawnSync("python3", ["-c", program], { encoding: "utf8", env });
    expect({ stdout: stdout.trim(), stderr }).toEqual({ stdout: "[[], true, true]", stderr: "" });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** Events of an inference: a pause before trying again, a comment, lines with an id, one without, and the end. */
const PIECES = [
  "retry: 500\n\n",
  ": nothing\n\n",
  'id: 1\nevent: status\ndata: {"n": 1}\n\n',
  'event: position\ndata: {"n": "ü"}\n\n',
  'id: 2\nevent: status\ndata: {"n": 2}\n\n',
  'id: 3\nevent: final\ndata: {"n": 3}\n\n',
];
/** The output of an inference that was submitted as a stream. */
const SAID = ['id: 1.15\ndata: {"n": 1}\n\n', 'id: 1.30\ndata: {"n": 2}\n\n', "id: 1.30.end\ndata: [DONE]\n\n"];
const lengthOf = (pieces: readonly string[]) => Buffer.byteLength(pieces.join(""));

const DRIVER = `
import asyncio, json, sys
import claimcheck
claimcheck._pause_before = lambda *_: 0
url = sys.argv[1]
def shown(events): return [event["data"]["n"] for event in events if event["type"] != "position"]
def said(events): return [event["data"] if event["data"] == "[DONE]" else event["data"]["n"] for event in events]
async def streamed(at):
    async with claimcheck.AsyncClaimcheck(url, key=at) as client:
        return [event async for event in client.stream("x")]
async def awaited(at):
    async with claimcheck.AsyncClaimcheck(url, key=at) as client:
        return [event async for event in client.events("x")]
seen = {}
for at in range(${lengthOf(PIECES)}):
    with claimcheck.Claimcheck(url, key=f"sync-{at}") as client:
        seen[f"sync-{at}"] = shown(client.events("x"))
    seen[f"async-{at}"] = shown(asyncio.run(awaited(f"async-{at}")))
for at in (0, 40, 55):
    with claimcheck.Claimcheck(url, key=f"said-{at}") as client:
        seen[f"said-{at}"] = said(client.stream("x"))
    seen[f"asaid-{at}"] = said(asyncio.run(streamed(f"asaid-{at}")))
print(json.dumps(seen))`;

test.runIf(hasPython)("each event comes once, in order, wherever the stream is cut, by a reset or by its end", async () => {
  const streams = new Map<string, number>();
  const server = createServer((request, response) => {
    const key = request.headers.authorization?.replace("Bearer ", "") ?? "";
    const number = (streams.get(key) ?? 0) + 1;
    streams.set(key, number);
    const last = request.headers["last-event-id"] ?? "0";
    const left = request.url?.endsWith("/stream")
      ? SAID.slice(SAID.findIndex((piece) => piece.startsWith(`id: ${String(last)}\n`)) + 1)
      : PIECES.filter((piece) => !(Number(/^id: (\d)/.exec(piece)?.[1]) <= Number(last)));
    const bytes = Buffer.from(left.join(""));
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    if (number > 1) return response.end(bytes);
    const at = Number(key.split("-")[1]);
    if (at % 2 === 0) return response.end(bytes.subarray(0, at));
    response.write(bytes.subarray(0, at), () => response.destroy());
  });
  const url = await listening(server);
  try {
    const out = await new Promise<string>((resolve, reject) => {
      const env = { ...process.env, PYTHONPATH: MODULE, PYTHONDONTWRITEBYTECODE: "1" };
      execFile("python3", ["-c", DRIVER, url], { env }, (error, printed, said) =>
        error ? reject(new Error(said, { cause: error })) : resolve(printed),
      );
    });
    const seen = Object.entries(JSON.parse(out) as Record<string, number[]>); // as it was printed
    const [events, said] = [seen.filter(([key]) => !key.includes("said")), seen.filter(([key]) => key.includes("said"))];
    expect([events.length, said.length]).toEqual([2 * lengthOf(PIECES), 6]);
    expect(events.filter(([, numbers]) => JSON.stringify(numbers) !== "[1,2,3]")).toEqual([]);
    expect(said.filter(([, values]) => JSON.stringify(values) !== '[1,2,"[DONE]"]')).toEqual([]);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test.runIf(hasPython)("each of many has a key of its own, or a random one where that is None", () => {
  const driver = `
import claimcheck
flow = claimcheck._Flows.submit_many(None, [{"idempotency_key": "own"}, {"idempotency_key": None}, {}])
print(next(flow).body.decode())`;
  const env = { ...process.env, PYTHONPATH: MODULE, PYTHONDONTWRITEBYTECODE: "1" };
  const { stdout } = spawnSync("python3", ["-c", driver], { env, encoding: "utf8" });
  const keys = (JSON.parse(stdout) as { idempotency_key: unknown }[]).map((one) => one.idempotency_key); // as it was printed
  expect(keys).toEqual(["own", expect.any(String), expect.any(String)]);
  expect(new Set(keys)).toHaveProperty("size", 3);
});
