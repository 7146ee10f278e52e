/** Small Workers on the same embedded runtime: what it costs there to do nothing, or one thing. */
import { type Bare, startBare } from "../bare.ts";
import { type Contestant, KEYS, LARGE, numbers } from "./contestant.ts";
import type { LoadRequest } from "./load.ts";

const ROWS = 1000;
const SCRIPT = `import { DurableObject } from "cloudflare:workers";
export class Counter extends DurableObject {
  count = 0;
  hit(digest) { return { admitted: digest !== "", count: ++this.count }; }
}
const json = (value) => new Response(JSON.stringify(value), { headers: { "Content-Type": "application/json" } });
export default {
  async fetch(request, env) {
    const [, does, name] = new URL(request.url).pathname.split("/");
    switch (does) {
      case "nothing":
        return json({ ok: true });
      case "object":
        return json(await env.COUNTER.getByName(name).hit(request.headers.get("Authorization")));
      case "read":
        return json(await env.DB.prepare("SELECT * FROM jobs WHERE id = ?").bind(name).first());
      case "insert": {
        const insert = env.DB.prepare("INSERT INTO jobs (id, body, created_at) VALUES (?, ?, ?)");
        await insert.bind(crypto.randomUUID(), await request.text(), Date.now()).run();
        return json({ ok: true });
      }
      case "get":
        return new Response((await env.BUCKET.get(name)).body);
      case "fill": {
        await env.DB.exec("CREATE TABLE jobs (id TEXT PRIMARY KEY, body TEXT, created_at INTEGER) STRICT, WITHOUT ROWID");
        const insert = env.DB.prepare("INSERT INTO jobs VALUES (?, ?, ?)");
        await env.DB.batch(Array.from({ length: ${ROWS} }, (_, id) => insert.bind("job-" + id, "x".repeat(600), id)));
        for (let id = 0; id < ${LARGE}; id++) await env.BUCKET.put("mib-" + id, new Uint8Array(1024 * 1024));
        return json({ ok: true });
      }
    }
    return new Response(null, { status: 404 });
  },
};`;

const HEADERS = { Authorization: `Bearer ${"x".repeat(60)}` };
const get = (path: string): LoadRequest => ({ method: "GET", path, headers: HEADERS });

export async function startSmall(): Promise<Contestant> {
  const bare: Bare = await startBare(SCRIPT, { COUNTER: "Counter" });
  const { status } = await fetch(`${bare.url}/fill`);
  if (status !== 200) throw new Error(`the small Worker answered ${status}`);
  const insert: LoadRequest = {
    method: "POST",
    path: "/insert",
    headers: { ...HEADERS, "Content-Type": "application/json" },
    body: JSON.stringify({ model: "live", input: { x: [0] } }),
  };
  return {
    name: "small Worker",
    url: bare.url,
    pids: [bare.pid],
    rows: {
      nothing: { requests: [get("/nothing")], answers: "success" },
      object: { requests: numbers(KEYS).map((key) => get(`/object/key-${key}`)), answers: "success" },
      read: { requests: numbers(ROWS).map((id) => get(`/read/job-${id}`)), answers: "success" },
      insert: { requests: [insert], answers: "success" },
      get: { requests: numbers(LARGE).map((id) => get(`/get/mib-${id}`)), answers: "success" },
    },
    open: null,
    stop: () => bare.stop(),
  };
}
