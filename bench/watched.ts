/**
 * What many watch elsewhere, beside which ours is measured: a Node server that does nothing else, and a Worker of a few lines on the same
 * runtime. Both keep no state: `GET` is a stream of one event and, once somebody has sent a `POST`, of the last one.
 */
import { type ServerResponse, createServer } from "node:http";
import { startBare } from "./bare.ts";
import { serveAsChild, startChild } from "./child.ts";

/** Streams of one thing that many watch. */
export interface Watched {
  readonly url: string;
  stop(): Promise<void>;
}

const ROLE = "is-watched";
/** About as long as ours. */
const PADDING = "x".repeat(1_400);
const QUEUED = 'id: 1\nevent: status\ndata: {"event":"queued"}\n\n';
/** The last event, before and after when it happened. */
const FINAL = ['id: 2\nevent: final\ndata: {"at":', `,"padding":"${PADDING}"}\n\n`] as const;

export async function watchedNode(): Promise<Watched> {
  const child = await startChild(import.meta.url, ROLE);
  return { url: child.url, stop: async () => child.end() };
}

/** All that wait are woken 32 at a time, as ours are a few at a time: the runtime sends nothing before all have written that are woken together. */
const SCRIPT = `const waiting = new Set();
const encoder = new TextEncoder();
const QUEUED = ${JSON.stringify(QUEUED)};
const final = (at) => ${JSON.stringify(FINAL)}.join(at);
export default {
  async fetch(request) {
    if (request.method === "POST") {
      const at = Date.now();
      const all = [...waiting];
      waiting.clear();
      for (let from = 0; from < all.length; from += 32) {
        for (const wake of all.slice(from, from + 32)) wake(at);
        await scheduler.wait(1);
      }
      return Response.json({ at });
    }
    const ended = new Promise((resolve) => waiting.add(resolve));
    setTimeout(() => {}, 600_000); // the runtime takes a request for hung that waits for nothing of its own
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(encoder.encode(QUEUED)),
      async pull(controller) {
        controller.enqueue(encoder.encode(final(await ended)));
        controller.close();
      },
    });
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  },
};`;

export async function watchedWorker(): Promise<Watched> {
  return startBare(SCRIPT);
}

if (process.argv[2] === ROLE) {
  const streams = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    if (request.method === "POST") {
      const at = Date.now();
      response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify({ at }));
      for (const stream of streams) stream.end(FINAL.join(String(at)));
      streams.clear();
      return;
    }
    response.writeHead(200, { "Content-Type": "text/event-stream" }).write(QUEUED);
    streams.add(response);
  });
  await serveAsChild(server);
}
