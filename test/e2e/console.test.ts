/**
 * The console in a real browser against the real runtime: who may sign in and how that ends, inferences as they run, the playground, what
 * an operator does, and that what comes from others stays text. Each page is looked at by axe-core. Needs Chromium, as browser.test.ts does.
 */
import { existsSync, readFileSync } from "node:fs";
import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Browser, type Locator, type Page, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Deployment, deploy, endAll, newFolder } from "../support/deployment.ts";
import { type Behaviour, type Gpu, answer, chat, slow, startGpu, status } from "../support/gpu.ts";

const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** Harmless markup: it would show itself by an element, if it became one. */
const MARKUP = '<b id="markup">bold</b>';

let browser: Browser;
let deployment: Deployment;
let gpu: Gpu;
/** The id of the only backend. */
let backend: string;
/** What the model server does from now on. */
let behaves: Behaviour = slow(0);

beforeAll(async () => {
  if (!existsSync(CHROMIUM)) throw new Error(`There is no Chromium at ${CHROMIUM}: install it, or name it with CHROMIUM=…`);
  gpu = await startGpu(() => behaves);
  [browser, deployment] = await Promise.all([chromium.launch({ executablePath: CHROMIUM, args: FLAGS }), deploy({ folder: newFolder() })]);
  await deployment.operator("POST", "/models", { name: "echo" });
  const served = { model: "echo", url: gpu.url, protocol: "oip", max_concurrency: 4 };
  backend = ((await deployment.operator("POST", "/backends", served)) as { id: string }).id;
});

afterAll(async () => {
  await browser?.close();
  await gpu?.close();
  await deployment?.interrupt();
  endAll();
});

/** What is asked of one here. */
interface Canvas {
  readonly width: number;
  readonly height: number;
  getContext(kind: "2d"): { getImageData(left: number, top: number, width: number, height: number): { readonly data: Uint8ClampedArray } };
}

/** A page of the console, signed in; what the browser finds wrong with it is thrown by `close`. */
async function opened(path: string, secret: string | null = deployment.key): Promise<Page & AsyncDisposable> {
  const context = await browser.newContext({ bypassCSP: false });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" && !/status of (?:401|422)/.test(message.text())) faults.push(message.text());
  });
  await page.goto(`${deployment.url}/console${path}`);
  if (secret !== null) {
    await page.getByLabel("API key or admin token").fill(secret);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("navigation").waitFor();
  }
  return Object.assign(page, {
    async [Symbol.asyncDispose]() {
      await context.close();
      expect(faults).toEqual([]);
    },
  });
}

/** Goes to a page by the navigation. */
const go = (page: Page, title: string) => page.getByRole("navigation").getByRole("link", { name: title, exact: true }).click();

/** How far down the page the middle of an element is. */
async function middleOf(element: Locator): Promise<number> {
  const { y = Number.NaN, height = 0 } = (await element.boundingBox()) ?? {};
  return y + height / 2;
}

const submitted = async (input: unknown, more: Record<string, unknown> = {}): Promise<string> => {
  const { body } = await deployment.api("POST", "/v1/inferences", { model: "echo", input, ...more });
  return (body as { id: string }).id;
};
const TENSORS = { inputs: [{ name: "x", datatype: "FP32", shape: [2], data: [1.5, 2.5] }] };

/** What axe-core finds that is serious, in light and in dark. It runs in a world of its own, which the page's policy does not reach. */
async function seriousFaults(page: Page, schemes: readonly ("dark" | "light")[] = ["dark", "light"]): Promise<string[]> {
  const client = await page.context().newCDPSession(page);
  const { frameTree } = await client.send("Page.getFrameTree");
  const world = await client.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id, worldName: "axe" });
  const contextId = world.executionContextId;
  await client.send("Runtime.evaluate", { expression: AXE, contextId });
  const expression = `axe.run().then(({ violations }) => JSON.stringify(violations.map(({ id, impact, nodes }) => [id, impact, nodes.map(({ target }) => target.join(" ")).join(", ")])))`;
  const found: [id: string, impact: string, where: string][] = [];
  for (const colorScheme of schemes) {
    await page.emulateMedia({ colorScheme });
    const { result } = await client.send("Runtime.evaluate", { expression, contextId, awaitPromise: true });
    found.push(...(JSON.parse(String(result.value)) as typeof found));
  }
  return found.filter(([, impact]) => impact === "serious" || impact === "critical").map(([id, , where]) => `${id}: ${where}`);
}

describe("signing in", () => {
  test("takes a key, keeps nothing of it where a script can read, and ends where one signs out", async () => {
    await using page = await opened("/inferences", null);
    expect(await seriousFaults(page)).toEqual([]);
    await page.getByLabel("API key or admin token").fill("ck_nonsense");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByText("The API key is not valid").waitFor();
    await page.getByLabel("API key or admin token").fill(deployment.key);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Inferences" }).waitFor();
    const kept = await page.evaluate("JSON.stringify([document.cookie, localStorage, sessionStorage])");
    expect(kept).toBe('["",{},{}]');
    const cookies = await page.context().cookies();
    expect(cookies).toMatchObject([{ httpOnly: true, sameSite: "Strict", path: "/" }]);
    expect(JSON.stringify(cookies)).not.toContain(deployment.key);
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByLabel("API key or admin token").waitFor();
    expect(await page.context().cookies()).toEqual([]);
  });

  test("with a key ends within a second of the key's revocation", async () => {
    const { body: me } = await deployment.api("GET", "/v1/me");
    const account_id = (me as { account: { id: string } }).account.id;
    const { id, key } = (await deployment.operator("POST", "/keys", { account_id })) as { id: string; key: string };
    await using page = await opened("/inferences", key);
    await page.getByText("No inference yet").waitFor();
    await deployment.operator("DELETE", `/keys/${id}`);
    const revokedAt = Date.now();
    const read = () => page.evaluate(async () => (await fetch("/v1/inferences?limit=1")).status);
    while ((await read()) === 200) expect(Date.now() - revokedAt).toBeLessThan(1_000);
    await page.getByRole("button", { name: /^failed/ }).click();
    await page.getByText("You are signed out.").waitFor();
  });
});

describe("the page", () => {
  test("is painted within a second on a slow machine and line", async () => {
    const paints: number[] = [];
    while (paints.length < 3 && !paints.some((paint) => paint < 1_000)) {
      const context = await browser.newContext();
      const page = await context.newPage();
      const client = await context.newCDPSession(page);
      await client.send("Network.enable");
      const megabit = 1e6 / 8;
      const line = { offline: false, latency: 100, downloadThroughput: 8 * megabit, uploadThroughput: megabit };
      await client.send("Network.emulateNetworkConditions", line);
      await client.send("Emulation.setCPUThrottlingRate", { rate: 4 });
      await page.goto(`${deployment.url}/console`);
      await page.getByLabel("API key or admin token").waitFor();
      paints.push(await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? Infinity));
      await context.close();
    }
    expect(Math.min(...paints)).toBeLessThan(1_000);
  });

  test("is used by the keyboard alone", async () => {
    behaves = slow(0);
    const id = await submitted(TENSORS);
    await using page = await opened("/no-such-page");
    await page.getByText("There is no such page").waitFor();
    await page.keyboard.press("?");
    await page.getByRole("dialog").getByText("Next row").waitFor();
    expect(await seriousFaults(page)).toEqual([]);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await page.keyboard.press("g");
    await page.keyboard.press("i");
    const row = page.getByRole("link", { name: id });
    await row.waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type(id);
    await page.waitForURL((url) => url.searchParams.get("q") === id);
    await page.keyboard.press("Tab");
    await page.keyboard.press("j");
    await row.and(page.locator(":focus")).waitFor();
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "echo" }).waitFor();
    await page.getByRole("tab", { name: "Output" }).focus();
    await page.keyboard.press("ArrowRight");
    await page.getByRole("region", { name: "The input" }).waitFor();
    await page.getByRole("radio", { name: "dark" }).focus();
    await page.keyboard.press("Space");
    expect(await page.locator("html").getAttribute("data-theme")).toBe("dark");
    await page.reload();
    await page.getByRole("heading", { name: "echo" }).waitFor();
    expect(await page.locator("html").getAttribute("data-theme")).toBe("dark");
  });
});

test("words without a place to break stay within a narrow window", async () => {
  const long = `wide-${"m".repeat(100)}`;
  await deployment.operator("POST", "/models", { name: long, description: "d".repeat(900) });
  await deployment.operator("POST", "/backends", { model: long, url: gpu.url, protocol: "oip", state: "draining" });
  behaves = slow(0);
  const metadata = { ["k".repeat(64)]: "v".repeat(512) };
  const id = await submitted(TENSORS, { model: long, metadata });
  const overhang = (page: Page) => page.evaluate<number>("document.documentElement.scrollWidth - document.documentElement.clientWidth");
  await using mine = await opened("/playground");
  await mine.setViewportSize({ width: 320, height: 700 });
  await mine.getByLabel("Model").selectOption(long);
  await mine.getByText("ddd").waitFor();
  expect(await overhang(mine)).toBe(0);
  await mine.goto(`${deployment.url}/console/inferences/${id}`);
  await mine.getByText("kkk").waitFor();
  expect(await overhang(mine)).toBe(0);
  await using operators = await opened(`/models/${long}`, deployment.admin);
  await operators.setViewportSize({ width: 320, height: 700 });
  await operators.getByText("ddd").waitFor();
  expect(await overhang(operators)).toBe(0);
});

describe("an inference", () => {
  test("is seen from queued to done without a reload, in the list and by itself", async () => {
    behaves = slow(2_000);
    await deployment.operator("PATCH", `/backends/${backend}`, { state: "draining" });
    await using list = await opened("/inferences");
    await using page = await opened("/inferences");
    const id = await submitted(TENSORS);
    const row = list.getByRole("row").filter({ has: list.getByRole("link", { name: id }) });
    await row.getByText("queued").waitFor();
    await page.getByRole("link", { name: id }).click();
    await page.getByRole("heading", { name: "echo" }).waitFor();
    await page.getByRole("main").getByText("queued", { exact: true }).waitFor();
    await deployment.operator("PATCH", `/backends/${backend}`, { state: "active" });
    await row.getByText("in progress").waitFor();
    await page.getByText("in progress").waitFor();
    await row.getByText("succeeded").waitFor();
    await page.getByText("succeeded").waitFor();
    await page.getByRole("region", { name: "Tensors" }).getByText("1.5, 2.5").waitFor();
    expect(await seriousFaults(list)).toEqual([]);
    expect(await seriousFaults(page)).toEqual([]);
  });

  test("shows its text while it comes, if it was submitted as a stream", async () => {
    await deployment.operator("POST", "/models", { name: "chatty" });
    await deployment.operator("POST", "/backends", { model: "chatty", url: gpu.url, protocol: "openai" });
    behaves = chat(["One ", "two ", "three ", "four."], 700);
    const input = { messages: [{ role: "user", content: "Count." }] };
    const { body } = await deployment.api("POST", "/v1/inferences", { model: "chatty", input, stream: true });
    await using page = await opened(`/inferences/${(body as { id: string }).id}`);
    const said = page.getByRole("log", { name: "The output so far" });
    await said.getByText("One two").waitFor();
    expect(await page.getByText("succeeded").count()).toBe(0);
    await page.getByText("succeeded").waitFor();
    await page.getByLabel("What the model wrote").getByText("One two three four.").waitFor();
    expect(await seriousFaults(page)).toEqual([]);
  });

  test("shows markup of others as text, and its submit as code that runs", async () => {
    behaves = answer({ outputs: [{ name: MARKUP, datatype: "BYTES", shape: [1], data: [MARKUP] }] });
    const good = await submitted(TENSORS, { metadata: { note: MARKUP } });
    await using page = await opened(`/inferences/${good}`);
    await page.getByText("succeeded").waitFor();
    await page.getByRole("region", { name: "The output" }).waitFor();
    await page.getByText(MARKUP).first().waitFor();
    behaves = status(400, {}, JSON.stringify({ error: MARKUP }));
    const bad = await submitted({ inputs: [{ name: "x", datatype: "BYTES", shape: [1], data: [MARKUP] }] });
    await page.goto(`${deployment.url}/console/inferences/${bad}`);
    await page.getByRole("region", { name: "What went wrong" }).getByText(MARKUP).waitFor();
    await page.getByRole("tab", { name: "Input" }).click();
    await page.getByRole("region", { name: "The input" }).waitFor();
    await page.getByRole("tab", { name: "Copy as code" }).click();
    const code = page.getByText(/^curl http/);
    await code.waitFor();
    behaves = slow(0);
    const wires = await page.getByLabel("API").getByRole("option").allInnerTexts();
    expect(wires).toEqual(["Claimcheck", "Reka", "Replicate", "Baseten", "fal", "RunPod", "Open Inference Protocol"]);
    for (const wire of wires) {
      await page.getByLabel("API").selectOption(wire);
      const command = (await code.innerText()).replace("curl ", "curl -sS --fail-with-body ");
      const env = { ...process.env, KEY: deployment.key };
      const { stdout } = await promisify(execFile)("sh", ["-c", command], { env });
      expect([wire, JSON.parse(stdout)]).toEqual([wire, expect.any(Object)]);
    }
    expect(await seriousFaults(page)).toEqual([]);
    expect(await page.locator("#markup").count()).toBe(0);
  });

  test("is redriven, submitted again with another input, and canceled", async () => {
    behaves = status(400);
    const id = await submitted(TENSORS);
    await using page = await opened(`/inferences/${id}`);
    await page.getByText("The model server refuses this input").waitFor();
    behaves = slow(0);
    await page.getByRole("button", { name: "Redrive" }).click();
    await page.getByText("succeeded").waitFor();
    behaves = slow(30_000);
    await page.getByRole("button", { name: "Edit and submit" }).click();
    await page.getByLabel("Input").fill("{");
    await page.getByRole("button", { name: "Submit", exact: true }).click();
    await page.getByText("This is no JSON").waitFor();
    await page.getByLabel("Input").fill(JSON.stringify(TENSORS).replace("2.5", "3.5"));
    await page.getByRole("button", { name: "Submit", exact: true }).click();
    await page.waitForURL((url) => !url.pathname.endsWith(id));
    await page.getByText("in progress").waitFor();
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByRole("button", { name: "Cancel it" }).click();
    await page.getByRole("main").getByText("canceled", { exact: true }).waitFor();
    await page.getByRole("tab", { name: "Input" }).click();
    await page.getByText("1.5, 3.5").waitFor();
    expect(gpu.calls.length).toBeGreaterThan(2);
  });

  test("is found by the filters of the list, which stand in the address", async () => {
    behaves = slow(0);
    await using page = await opened("/inferences?metadata=order%3D4711");
    await page.getByText("No inference fits these filters").waitFor();
    const id = await submitted(TENSORS, { metadata: { order: "4711" } });
    await page.getByRole("link", { name: id }).waitFor();
    await page.getByRole("button", { name: /^succeeded/ }).click();
    expect(page.url()).toContain("status=succeeded");
    await page.getByRole("link", { name: id }).waitFor();
    await page.getByRole("button", { name: "Remove the filter Metadata" }).click();
    expect(page.url()).not.toContain("metadata");
    await page.getByRole("button", { name: "Filter", exact: true }).click();
    expect(await seriousFaults(page)).toEqual([]);
    await page.getByRole("textbox", { name: "Model" }).fill("none-of-that-name");
    await page.keyboard.press("Enter");
    await page.getByText("No inference fits these filters").waitFor();
    expect(page.url()).toContain("model=none-of-that-name");
  });

  test("is found and steered by the operator too, who submits none", async () => {
    behaves = status(400);
    const id = await submitted(TENSORS);
    await using page = await opened(`/inferences/${id}`, deployment.admin); // as urls.web has it
    await page.getByRole("link", { name: id }).click();
    await page.getByRole("list", { name: "Life of the inference" }).waitFor();
    expect(await page.getByRole("button", { name: "Edit and submit" }).count()).toBe(0);
    behaves = slow(0);
    await page.getByRole("button", { name: "Redrive" }).click();
    await page.getByText("succeeded").waitFor();
  });
});

describe("the playground", () => {
  test("takes a picture that is dropped, and shows its palette without a reload", async () => {
    await using page = await opened("/playground?model=color-classification");
    const field = page.getByLabel("image_path", { exact: true });
    await field.waitFor();
    const picture = readFileSync(join(deployment.folder, "pictures", "sneaker.png")).toString("base64");
    const file = `new File([Uint8Array.from(atob("${picture}"), (each) => each.charCodeAt(0))], ${JSON.stringify(`${MARKUP}.png`)}, { type: "image/png" })`;
    const dataTransfer = await page.evaluateHandle(`{ const all = new DataTransfer(); all.items.add(${file}); all; }`);
    await field.dispatchEvent("drop", { dataTransfer });
    await page.getByText(MARKUP.replace("/", "_")).waitFor();
    expect(await field.inputValue()).toMatch(/^claimcheck:file\//);
    await page.getByRole("button", { name: "Run" }).click();
    const result = page.getByRole("region", { name: "Result" });
    await result.getByText("succeeded").waitFor();
    await result.getByRole("group", { name: "Palette" }).getByText("fire brick").waitFor();
    await page.getByText(/"image_path": "claimcheck:file/).waitFor();
    expect(await seriousFaults(page)).toEqual([]);
    await go(page, "Files");
    await page.getByRole("link", { name: MARKUP.replace("/", "_") }).waitFor();
    expect(await page.locator("#markup").count()).toBe(0);
    expect(await seriousFaults(page, ["light"])).toEqual([]);
    await page.getByRole("button", { name: /^Delete/ }).click();
    await page.getByRole("button", { name: "Delete it" }).click();
    await page.getByText("There are no files").waitFor();
  });

  test("is not offered to a key that may only read", async () => {
    const { body: me } = await deployment.api("GET", "/v1/me");
    const reading = { account_id: (me as { account: { id: string } }).account.id, scopes: ["read"] };
    const { key } = (await deployment.operator("POST", "/keys", reading)) as { key: string };
    await using page = await opened("/usage", key);
    await page.getByRole("heading", { name: "Usage and cost" }).waitFor();
    const links = await page.getByRole("navigation").getByRole("link").allInnerTexts();
    expect(links).toEqual(["Inferences", "Failures", "Usage", "Webhooks", "Files"]);
  });

  test("takes JSON, and says what is wrong with it", async () => {
    behaves = slow(0);
    await using page = await opened("/playground?model=echo");
    const input = page.getByLabel("Input", { exact: true });
    await input.fill("{");
    await page.getByRole("button", { name: "Run" }).click();
    await page.getByText(/JSON at position/).waitFor();
    await input.fill(JSON.stringify(TENSORS));
    await page.getByRole("button", { name: "Run" }).click();
    const tensors = page.getByRole("region", { name: "Tensors" });
    await tensors.waitFor();
    expect(await tensors.innerText()).toContain("1.5, 2.5");
  });

  test("chats, and shows the answer while it comes", async () => {
    await deployment.operator("POST", "/models", { name: "talker", capabilities: ["chat/completions"] });
    await deployment.operator("POST", "/backends", { model: "talker", url: gpu.url, protocol: "openai" });
    behaves = { does: "chat", tokens: ["The ", "sky ", MARKUP, " is ", "blue."], everyMs: 700, end: "done" };
    await using page = await opened("/playground?model=talker");
    await page.getByLabel("Message", { exact: true }).fill("What colour is the sky?");
    await page.keyboard.press("Enter");
    await page.getByText("The sky", { exact: true }).waitFor();
    await page.getByText(`The sky ${MARKUP} is blue.`).waitFor();
    expect(await seriousFaults(page, ["light"])).toEqual([]);
    await page.getByRole("link", { name: "Its inference" }).click();
    await page.getByRole("heading", { name: "talker" }).waitFor();
    await page.getByText("succeeded").waitFor();
  });
});

describe("the operator", () => {
  let page: Page & AsyncDisposable;
  beforeAll(async () => {
    page = await opened("/overview", deployment.admin);
  });
  afterAll(() => page[Symbol.asyncDispose]());

  test("sees what the deployment does, as charts and as tables", async () => {
    await go(page, "Overview");
    await page.getByRole("figure", { name: "Throughput" }).getByRole("button", { name: "Table" }).click();
    await page.getByRole("region", { name: "Throughput" }).getByRole("columnheader", { name: "Accepted" }).waitFor();
    await page.getByRole("button", { name: "Day" }).click();
    expect(page.url()).toContain("window=24h");
    await page.getByRole("region", { name: "Models" }).last().getByRole("link", { name: "echo" }).waitFor();
    expect(await seriousFaults(page)).toEqual([]);
  });

  test("sees a time that was measured in one step alone", async () => {
    behaves = slow(0);
    await deployment.api("POST", "/v1/inferences", { model: "echo", input: TENSORS }, { Prefer: "wait=30" });
    await go(page, "Overview");
    await page.getByRole("button", { name: "Week" }).click();
    const waits = page.getByRole("figure", { name: "Waits and run times" });
    await waits.locator("strong", { hasText: "ms" }).first().waitFor();
    // Pixels that are no shade of grey.
    const coloured = await waits.locator("canvas").evaluate((element: unknown) => {
      const canvas = element as Canvas;
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      const pixels = Array.from({ length: data.length / 4 }, (_, at) => data.slice(4 * at, 4 * at + 3));
      return pixels.filter((parts) => Math.max(...parts) - Math.min(...parts) > 60).length;
    });
    expect(coloured).toBeGreaterThan(10);
  });

  test("adds a model and a backend, which is probed, drained and deleted", async () => {
    behaves = slow(0);
    await go(page, "Models");
    await page.getByRole("button", { name: "Add a model" }).click();
    await page.getByLabel("Name", { exact: true }).fill("org/new");
    await page.getByLabel("Description").fill(MARKUP);
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByRole("link", { name: "org/new" }).click();
    await page.getByRole("heading", { name: "org/new" }).waitFor();
    expect(await seriousFaults(page, ["light"])).toEqual([]);
    await page.getByRole("button", { name: "Add a backend" }).click();
    await page.getByLabel("Address").fill("ftp://nowhere");
    await page.getByRole("button", { name: "Add and probe" }).click();
    await page.getByText(/^must/).waitFor(); // at the field
    await page.getByLabel("Address").fill(gpu.url);
    await page.getByRole("button", { name: "Add and probe" }).click();
    await page.getByText("The backend is there, and ready").waitFor();
    await go(page, "Backends");
    await page.getByRole("row", { name: "org/new" }).getByRole("link").first().click();
    await page.getByRole("button", { name: "Probe now" }).click();
    await page.getByText("It is ready.").waitFor();
    await page.getByRole("button", { name: "Drain" }).click();
    await page.getByRole("main").getByText("draining", { exact: true }).waitFor();
    expect(await seriousFaults(page, ["light"])).toEqual([]);
    await page.getByRole("button", { name: "Activate" }).click();
    await page.getByRole("main").getByText("works", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Delete", exact: true }).click();
    await page.getByRole("button", { name: "Delete it" }).click();
    await page.getByRole("heading", { name: "Backends" }).waitFor();
    expect(await seriousFaults(page, ["light"])).toEqual([]);
    expect(await page.locator("#markup").count()).toBe(0);
  });

  test("adds an account and its keys, whose text is shown once, and finds it all in the audit log", async () => {
    await go(page, "Accounts");
    await page.getByRole("button", { name: "Add an account" }).click();
    await page.getByLabel("Name", { exact: true }).fill(`Acme ${MARKUP}`);
    await page.getByLabel("Monthly budget").fill("100");
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await page.getByRole("heading", { name: "Acme" }).waitFor();
    await page.getByText("100", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Create a key" }).click();
    await page.getByLabel("Name", { exact: true }).fill("server");
    await page.getByLabel("Submit", { exact: true }).uncheck();
    await page.getByRole("button", { name: "Create", exact: true }).click();
    const key = await page.locator("dialog code").innerText();
    const me = async (its: string) => (await fetch(`${deployment.url}/v1/me`, { headers: { "X-Api-Key": its } })).status;
    expect([key.startsWith("ck_"), await me(key)]).toEqual([true, 200]);
    await page.getByRole("button", { name: "I have it" }).click();
    await page.getByText("read, cancel", { exact: true }).waitFor();
    await page.getByRole("button", { name: "Rotate server" }).click();
    await page.getByLabel("Hours").fill("1");
    await page.getByRole("button", { name: "Rotate", exact: true }).click();
    const next = await page.locator("dialog code").innerText();
    expect([next === key, await me(next), await me(key)]).toEqual([false, 200, 200]);
    await page.getByRole("button", { name: "I have it" }).click();
    await page.getByRole("row", { name: "ends" }).getByRole("button", { name: "Revoke" }).click();
    await page.getByRole("button", { name: "Revoke it" }).click();
    await page.getByRole("main").getByText("revoked", { exact: true }).waitFor();
    expect(await page.content()).not.toContain(next);
    expect(await seriousFaults(page, ["light"])).toEqual([]);
    await page.getByRole("link", { name: "What operators changed" }).click();
    await page.getByText("POST /accounts").first().waitFor();
    await page.getByLabel("About").fill("");
    await page.getByText("DELETE /keys/{id}").first().waitFor();
    await page.getByText("POST /keys/{id}/rotate").first().waitFor();
    expect(await page.content()).not.toContain(next);
    expect(await page.locator("#markup").count()).toBe(0);
    expect(await seriousFaults(page, ["light"])).toEqual([]);
  });

  test("redrives failures after a count of them", async () => {
    behaves = status(400);
    const ids = await Promise.all([1, 2, 3].map(() => submitted(TENSORS)));
    await Promise.all(ids.map((id) => deployment.api("GET", `/v1/inferences/${id}`, undefined, { Prefer: "wait=20" })));
    behaves = slow(0);
    await go(page, "Failures");
    const redrive = page.getByRole("button", { name: "Redrive backend_rejected" });
    const [code, action] = await Promise.all([page.getByRole("link", { name: "backend_rejected" }), redrive].map(middleOf));
    expect(Math.abs((code ?? 0) - (action ?? 99))).toBeLessThan(1.5); // the button stands in line with its row
    await redrive.click();
    await page.getByText(/\d+ inferences would be queued again/).waitFor();
    await page.getByRole("button", { name: /^Redrive \d/ }).click();
    await page.getByText(/\d+ are queued again/).waitFor();
    expect(await seriousFaults(page, ["light"])).toEqual([]);
    await page.getByRole("button", { name: "Close" }).click();
    const { body } = await deployment.api("GET", `/v1/inferences/${ids[0] ?? ""}`, undefined, { Prefer: "wait=20" });
    expect(body).toMatchObject({ status: "succeeded" });
  });

  test("reads usage, also as CSV, webhooks, keys and storage", async () => {
    behaves = slow(0);
    await deployment.api("POST", "/v1/inferences", { model: "echo", input: TENSORS }, { Prefer: "wait=20" });
    const later = { not_before: new Date(Date.now() + 600_000).toISOString() };
    await deployment.api("POST", `/v1/inferences/${await submitted(TENSORS, later)}/cancel`);
    await go(page, "Usage");
    await page.getByLabel("By").selectOption("account,model");
    await page.getByRole("cell", { name: "echo" }).first().waitFor();
    const words = await page.getByRole("columnheader").allInnerTexts();
    expect(words).toEqual(["Account", "Model", "Ended", "Succeeded", "Failed", "Canceled", "Expired", "Busy", "Tokens", "Cost"]);
    const figures = (await page.getByRole("row", { name: "echo" }).first().getByRole("cell").allInnerTexts()).slice(2, 7).map(Number);
    expect(figures[0]).toBe(figures.slice(1).reduce((sum, count) => sum + count, 0));
    expect(figures[3]).toBeGreaterThan(0);
    expect(await seriousFaults(page, ["light"])).toEqual([]);
    const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Download CSV" }).click()]);
    expect(readFileSync(await file.path(), "utf8")).toMatch(/^account_id,model,succeeded,/);
    await go(page, "Webhooks");
    await page.getByText("There are no webhooks").waitFor();
    await page.getByText("No delivery failed, and none is held").waitFor();
    expect(await seriousFaults(page, ["light"])).toEqual([]);
    await go(page, "Keys");
    await page.getByLabel("Account", { exact: true }).selectOption("First account"); // the first made is not the first by id
    await page.getByText("First key").waitFor();
    await go(page, "Storage");
    await page.getByRole("meter", { name: "The database, of what it can hold" }).waitFor();
    expect(await seriousFaults(page, ["light"])).toEqual([]);
  });
});

test("an account adds a webhook, whose secret is shown once, and reads what it used", async () => {
  await using page = await opened("/webhooks");
  await page.getByRole("button", { name: "Add a webhook" }).click();
  await page.getByLabel("URL").fill(`${gpu.url}/hook`);
  await page.getByRole("button", { name: "Add", exact: true }).click();
  expect(await page.locator("dialog code").innerText()).toMatch(/^whsec_/);
  await page.getByRole("button", { name: "I have it" }).click();
  await page.getByRole("button", { name: /^Test/ }).click();
  await page.getByText(/^The test was/).waitFor();
  expect(await seriousFaults(page, ["light"])).toEqual([]);
  await page.getByRole("button", { name: /^Delete/ }).click();
  await page.getByRole("button", { name: "Delete it" }).click();
  await page.getByText("There are no webhooks").waitFor();
  await go(page, "Usage");
  await page.getByText("Inferences ended").waitFor();
});

test("the operator sends a delivery again that was held", async () => {
  const made = (await deployment.api("POST", "/v1/webhooks", { url: `${gpu.url}/hook` })).body as { id: string };
  await deployment.api("PATCH", `/v1/webhooks/${made.id}`, { enabled: false });
  await deployment.api("POST", "/v1/inferences", { model: "echo", input: TENSORS }, { Prefer: "wait=20" });
  await using page = await opened("/webhooks", deployment.admin);
  await page.getByLabel("Account", { exact: true }).selectOption("First account");
  await page.getByText("held", { exact: true }).waitFor();
  expect(await seriousFaults(page, ["light"])).toEqual([]);
  await page
    .getByRole("button", { name: /^Enable/ })
    .first()
    .click();
  await page.getByText("It is called again").waitFor();
  await page.getByRole("button", { name: "Send again" }).click();
  await page.getByText("It is sent again").waitFor();
  await page.getByText("No delivery failed, and none is held").waitFor();
  await deployment.api("DELETE", `/v1/webhooks/${made.id}`);
});
