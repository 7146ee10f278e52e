/**
 * The API from a page of another origin, in a real browser: nothing but signed links before the operator allows that origin, and
 * then everything that a client does. Needs Chromium: `CHROMIUM` names it, or it is where Debian has it.
 */
import { createServer, type Server } from "node:http";
import { existsSync } from "node:fs";
import { type Browser, type Page, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Deployment, deploy, endAll, newFolder } from "../support/deployment.ts";
import { type Gpu, chat, startGpu } from "../support/gpu.ts";
import { listening } from "../support/listening.ts";

const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];

let browser: Browser;
let pages: Server;
let origin: string;

beforeAll(async () => {
  if (!existsSync(CHROMIUM)) throw new Error(`There is no Chromium at ${CHROMIUM}: install it, or name it with CHROMIUM=…`);
  browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  pages = createServer((_, response) => response.writeHead(200, { "Content-Type": "text/html" }).end("<title>another origin</title>"));
  origin = await listening(pages);
});

afterAll(async () => {
  await browser?.close();
  pages?.close();
  endAll();
});

/** What a script in the page gets: an answer, or the name of what the browser threw instead. */
interface Seen {
  readonly status: number;
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What a script asks with. */
interface Asked {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** A fetch by a script of the page. */
function inPage(page: Page, url: string, init: Asked = {}): Promise<Seen | string> {
  return page.evaluate(
    async ([to, how]) => {
      try {
        const answer = await fetch(to, how);
        return { status: answer.status, text: await answer.text(), headers: Object.fromEntries(answer.headers) };
      } catch (error) {
        return String(error instanceof Error ? error.name : error);
      }
    },
    [url, init] as const,
  );
}

async function answered(page: Page, url: string, init?: Asked): Promise<Seen> {
  const seen = await inPage(page, url, init);
  if (typeof seen === "string") throw new Error(`the browser did not let the page read ${url}: ${seen}`);
  return seen;
}

const bodyOf = ({ text }: Seen) => JSON.parse(text) as Record<string, unknown>; // every answer here is an object

/** A deployment with a model that chats, and a page of another origin beside it. */
async function beside(
  allowed: string,
): Promise<{ deployment: Deployment; page: Page; gpu: Gpu; auth: Record<string, string>; link: string }> {
  const gpu = await startGpu(() => chat(["Hel", "lo"], 20));
  const deployment = await deploy({ folder: newFolder(), env: { ALLOWED_ORIGINS: allowed } });
  await deployment.operator("POST", "/models", { name: "chatty" });
  await deployment.operator("POST", "/backends", { model: "chatty", url: gpu.url, protocol: "openai", max_concurrency: 4 });
  const page = await browser.newPage();
  await page.goto(origin);
  const auth = { Authorization: `Bearer ${deployment.key}`, "Content-Type": "application/json" };
  const file = await fetch(`${deployment.url}/v1/files`, {
    method: "POST",
    headers: { ...auth, "Content-Type": "text/plain" },
    body: "0123456789",
  });
  const { id } = (await file.json()) as { id: string };
  const made = await deployment.api("POST", `/v1/files/${id}/link`, {});
  return { deployment, page, gpu, auth, link: (made.body as { url: string }).url };
}

describe("a page of an origin that is not allowed", () => {
  test("may follow a signed link, in part too, and do nothing else", async () => {
    const { deployment, page, gpu, auth, link } = await beside("");
    const part = await answered(page, link, { headers: { Range: "bytes=2-4" } });
    expect(part).toMatchObject({ status: 206, text: "234" });
    expect(part.headers["content-range"]).toBe("bytes 2-4/10");
    expect(part.headers["etag"]).toBeTruthy();
    for (const [path, init] of [
      ["/healthz", {}],
      ["/v1/models", { headers: auth }],
      ["/v1/inferences", { method: "POST", headers: auth, body: "{}" }],
    ] as const) {
      expect([path, await inPage(page, deployment.url + path, init)]).toEqual([path, "TypeError"]);
    }
    await gpu.close();
    await deployment.interrupt();
  });
});

describe("a page of an origin that the operator allows", () => {
  test("submits, polls, streams, uploads, and follows a signed link", async () => {
    const { deployment, page, gpu, auth, link } = await beside(`https://app.example.com, ${origin}`);
    const { url } = deployment;
    const input = { messages: [{ role: "user", content: "hi" }] };
    const submitted = await answered(page, `${url}/v1/inferences`, {
      method: "POST",
      headers: { ...auth, "Idempotency-Key": "from-a-page" },
      body: JSON.stringify({ model: "chatty", input }),
    });
    expect(submitted.status).toBe(202);
    expect(submitted.headers).toMatchObject({
      location: expect.stringContaining("/v1/inferences/"),
      "x-request-id": expect.any(String) as string,
    });
    expect(submitted.headers["ratelimit"]).toBeTruthy();
    let shown = bodyOf(submitted);
    while (shown["is_final"] !== true) shown = bodyOf(await answered(page, String(submitted.headers["location"]), { headers: auth }));
    expect(shown["status"]).toBe("succeeded");
    const streamed = await answered(page, `${url}/v1/chat/completions`, {
      method: "POST",
      headers: auth,
      body: JSON.stringify({ model: "chatty", stream: true, ...input }),
    });
    expect(streamed.text.trimEnd().endsWith("data: [DONE]")).toBe(true);
    expect(streamed.headers["x-inference-id"]).toBeTruthy();
    const uploaded = await answered(page, `${url}/v1/files`, {
      method: "POST",
      headers: { ...auth, "Content-Type": "text/plain" },
      body: "from a page",
    });
    expect(uploaded.status).toBe(201);
    expect((await answered(page, link)).text).toBe("0123456789");
    const refused = await answered(page, `${url}/v1/models`, { headers: { Authorization: "Bearer nothing" } });
    expect(refused.status).toBe(401);
    await gpu.close();
    await deployment.interrupt();
  });
});
