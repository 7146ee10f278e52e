/**
 * dist/public, what a deployment serves beside the API: the reference as a page at /docs, /openapi.json, the pages of docs/ as
 * Markdown, /llms.txt and /llms-full.txt (https://llmstxt.org), and the console. Made at each start, deployment and test, so it is
 * never stale.
 * Plain JavaScript: `npm run deploy` runs it on whatever Node the machine has.
 */
import { copyFileSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { makeConsole } from "./console.mjs";

const ROOT = join(import.meta.dirname ?? dirname(fileURLToPath(import.meta.url)), "..", "..");
const PUBLIC = join(ROOT, "dist", "public");
const VIEWER_FILES = ["swagger-ui.css", "swagger-ui-bundle.js"];
const ABOUT = "Asynchronous inference API: submit a job, get its id at once, come back for the result.";

/** What each page of docs/ is for, in the order that /llms.txt lists them. */
const SUMMARIES = {
  "guides/quick-start": "From nothing to a result in five minutes.",
  "guides/your-server": "Register Triton, vLLM, Cog, a server of your own or any other, and what it should answer.",
  "guides/chat": "Chat and streams by OpenAI's clients, and long chats without a connection that waits.",
  "guides/receive-webhooks": "Receive and verify webhooks in Node, Express, Workers and Next.js, and try them locally.",
  "guides/files": "Send pictures and large files, and fetch results of any size.",
  "guides/many": "Thousands of inferences: in bulk or as a file, never twice, followed together.",
  "guides/browsers": "Call from web pages: origins, keys, links and events.",
  "guides/move": "Move from Vody, Reka, Baseten, fal, RunPod, Replicate or OpenAI.",
  "guides/production": "Deploy, back up, upgrade, rotate secrets, and what it costs.",
  "guides/local": "Settings of each local command, and tests of your application against it.",
  "guides/errors": "What an error means, and its cure.",
  api: "Every call of Claimcheck's own API: submit, read, list, cancel, keys, limits, problems.",
  watching: "Wait for an inference in the same call, or follow it as a stream of events.",
  tracing: "Follow an inference by its timeline, or as part of your own traces.",
  files: "Upload and download files of any size, and share them by links.",
  webhooks: "Events that Claimcheck sends to your server: signatures, retries, calls.",
  dialects: "Use the clients of OpenAI, Vody, Reka, Baseten, fal, RunPod, Replicate and the Open Inference Protocol.",
  typescript: "The client for TypeScript and JavaScript.",
  python: "The client for Python.",
  cli: "The command line.",
  console: "The page in a browser: inferences as they run, and what an operator steers.",
  operations: "Run a deployment: accounts, keys, models, backends, limits, upgrades.",
  monitoring: "Metrics for Prometheus, alerts and what to do on each, a dashboard.",
  reliability: "What is promised of an inference, and how that is tested.",
  performance: "What was measured, and how.",
  backends: "How real model servers behave behind it.",
  clients: "How real clients of other languages behave in front of it.",
};

function pages() {
  const names = ["", "guides/"].flatMap((folder) =>
    readdirSync(join(ROOT, "docs", folder))
      .filter((name) => name.endsWith(".md"))
      .map((name) => `${folder}${name}`),
  );
  const unknown = names.filter((name) => !(name.slice(0, -3) in SUMMARIES));
  if (unknown.length > 0) throw new Error(`docs/${unknown.join(", docs/")}: add a line to SUMMARIES in src/local/public.mjs`);
  return Object.entries(SUMMARIES).map(([page, summary]) => {
    const name = `${page}.md`;
    const text = readFileSync(join(ROOT, "docs", name), "utf8");
    const title = /^# (.+)$/m.exec(text)?.[1];
    if (!title) throw new Error(`docs/${name} has no title; begin it with a line "# …"`);
    return { name, text, title, summary };
  });
}

/** Every file of dist/public by its path. */
export function publicFiles() {
  const all = pages();
  const list = all.map(({ name, title, summary }) => `- [${title}](/docs/${name}): ${summary}`).join("\n");
  const llms = `# Claimcheck

> ${ABOUT}

## Docs

${list}

## Reference

- [OpenAPI](/openapi.json): Every call, its parameters, bodies, answers and problems, as OpenAPI 3.1.

## Optional

- [All pages](/llms-full.txt): The pages above as one text.
`;
  return new Map([
    ["llms.txt", llms],
    ["llms-full.txt", all.map(({ text }) => text.trimEnd()).join("\n\n---\n\n")],
    ["openapi.json", readFileSync(join(ROOT, "docs", "openapi.json"), "utf8")],
    ["docs/index.html", INDEX],
    ["docs/viewer.css", STYLE],
    ["docs/viewer.js", SCRIPT],
    ...all.map(({ name, text }) => [`docs/${name}`, text]),
  ]);
}

/** Writes it; a program that reads it meanwhile finds each file whole, the old or the new. */
export async function makePublic() {
  const viewer = viewerFolder();
  mkdirSync(join(PUBLIC, "docs", "guides"), { recursive: true });
  const files = publicFiles();
  const put = (path, write) => {
    const part = join(ROOT, "dist", `.part-${process.pid}`);
    write(part);
    renameSync(part, join(PUBLIC, path));
  };
  for (const [path, text] of files) put(path, (part) => writeFileSync(part, text));
  for (const name of VIEWER_FILES) put(`docs/${name}`, (part) => copyFileSync(join(viewer, name), part));
  for (const folder of ["", "docs", "docs/guides"]) {
    for (const entry of readdirSync(join(PUBLIC, folder), { withFileTypes: true })) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (!entry.isDirectory() && !files.has(path) && !VIEWER_FILES.includes(entry.name)) rmSync(join(PUBLIC, path), { force: true });
    }
  }
  await makeConsole();
}

function viewerFolder() {
  try {
    return dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
  } catch (error) {
    throw new Error("swagger-ui-dist is not installed; run: node src/local/install.mjs", { cause: error });
  }
}

const INDEX = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Claimcheck: reference</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="stylesheet" href="/docs/viewer.css">
<script src="/docs/swagger-ui-bundle.js" defer></script>
<script src="/docs/viewer.js" defer></script>
<nav><a href="/">Claimcheck</a> <a href="/docs/guides/quick-start.md">Quick start</a> <a href="/docs/api.md">The API in words</a> <a href="/openapi.json">OpenAPI</a> <a href="/llms.txt">All pages</a></nav>
<main id="viewer"><noscript>This page needs JavaScript; <a href="/docs/api.md">the API in words</a> does not.</noscript></main>
</html>
`;

const STYLE = `body { margin: 0; background: #fff; color: #1c2430; font: 1rem/1.5 system-ui, sans-serif; }
nav { display: flex; flex-wrap: wrap; gap: .4rem 1.25rem; max-width: 1460px; margin: 0 auto; padding: 1rem 20px 0; box-sizing: border-box; }
nav a { color: #0b57a4; }
html.dark-mode body { background: #1c2022; color: #e6eaf0; }
html.dark-mode nav a { color: #7db8f5; }
.swagger-ui .info { margin: 1.5rem 0; }
@media (max-width: 40rem) {
  .swagger-ui .opblock .opblock-summary-description, .swagger-ui .opblock-tag small { display: none; }
  .swagger-ui .opblock-tag a { flex: 1; }
}
`;

const SCRIPT = `"use strict";
const dark = matchMedia("(prefers-color-scheme: dark)");
const paint = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", paint);
paint();
SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#viewer",
  docExpansion: "none",
  defaultModelsExpandDepth: -1,
  deepLinking: true,
  filter: true,
  validatorUrl: null,
});
`;

if (process.argv[1] === fileURLToPath(import.meta.url)) await makePublic();
