/** `GET /`: what runs here and where to go, as a page for people and as JSON for programs. It asks nothing of storage. */
import * as z from "zod";
import { SAFE_HEADERS, json } from "../http/answer.ts";
import { problemDetails, problemSchema } from "../http/problem-details.ts";
import { type Call, type Dialect, route } from "../http/route.ts";

const frontSchema = z.lazy(() =>
  z.object({
    name: z.literal("claimcheck").describe("What runs here."),
    description: z.string().describe("What it does, for people."),
    urls: z
      .object({
        health: z.string().describe("Whether it answers."),
        inferences: z.string().describe("Where inferences are submitted and listed."),
        models: z.string().describe("Where the models are listed."),
        console: z.string().describe("The console, as a page for people who sign in."),
        docs: z.string().describe("The reference, as a page for people."),
        openapi: z.string().describe("The reference, as OpenAPI."),
        llms: z.string().describe("The pages of the documentation, listed for programs that read."),
      })
      .describe("Where to go from here."),
  }),
);

const DESCRIPTION = "Asynchronous inference API: submit a job, get its id at once, come back for the result.";

const shape = {
  summary: "Say what runs here.",
  answers: {
    200: { description: "What runs here, and where to go.", json: frontSchema, other: { "text/html": "The same as a page, to browsers." } },
  },
} as const;

export const front: Dialect = {
  name: "front",
  title: "Front page",
  owns: (path) => path === "/",
  error: problemSchema,
  routes: [route("open", "GET", "/", shape, show)],
  refuse: problemDetails,
};

function show({ request, origin, requestId }: Call): Response {
  const wantsPage = request.headers.get("accept")?.includes("text/html") === true;
  if (!wantsPage) return vary(json(described(origin)));
  const policy = `default-src 'none'; style-src 'nonce-${requestId}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
  const headers = {
    ...SAFE_HEADERS,
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": policy,
    "Cache-Control": "private, no-store",
  };
  return vary(new Response(pageOf(origin, requestId), { headers }));
}

function vary(answer: Response): Response {
  answer.headers.append("Vary", "Accept");
  return answer;
}

function described(origin: string): z.infer<typeof frontSchema> {
  const urls = {
    health: `${origin}/healthz`,
    inferences: `${origin}/v1/inferences`,
    models: `${origin}/v1/models`,
    console: `${origin}/console`,
    docs: `${origin}/docs`,
    openapi: `${origin}/openapi.json`,
    llms: `${origin}/llms.txt`,
  };
  return { name: "claimcheck", description: DESCRIPTION, urls };
}

/** An origin has no character that HTML reads; it comes from a URL, or from the operator. */
function pageOf(origin: string, nonce: string): string {
  const at = origin.replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Claimcheck</title>
<style nonce="${nonce}">
:root { --ink: #1c2430; --paper: #fff; --soft: #f2f4f7; --line: #d9dee6; --link: #0b57a4; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6eaf0; --paper: #12161c; --soft: #1b212a; --line: #313a47; --link: #7db8f5; } }
body { margin: 0 auto; max-width: 46rem; padding: 3rem 1.25rem; background: var(--paper); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif; }
h1 { margin: 0; font-size: 1.75rem; } h2 { margin: 2rem 0 .5rem; font-size: 1.05rem; }
p { margin: .5rem 0; } ul { margin: .5rem 0; padding-left: 1.25rem; } li { margin: .25rem 0; } a { color: var(--link); }
pre { overflow-x: auto; padding: .9rem 1rem; border: 1px solid var(--line); border-radius: .5rem; background: var(--soft); font: .85rem/1.6 ui-monospace, monospace; }
</style>
<main>
<h1>Claimcheck</h1>
<p>${DESCRIPTION} This deployment runs them on GPU servers of its operator.</p>
<h2>Call it</h2>
<pre><code>export KEY=ck_…   # the operator gives you one
curl ${at}/v1/models -H "Authorization: Bearer $KEY"
curl ${at}/v1/inferences -H "Authorization: Bearer $KEY" \\
  -H "Content-Type: application/json" -H "Prefer: wait=30" \\
  -d '{"model": "…", "input": {}}'
curl ${at}/v1/inferences/ID -H "Authorization: Bearer $KEY"</code></pre>
<p>Clients of OpenAI, Vody, Reka, Baseten, fal, RunPod, Replicate and the Open Inference Protocol work too: give them the key and <a href="/docs/guides/move.md">their address here</a>.</p>
<h2>Next</h2>
<ul>
<li><a href="/docs/guides/quick-start.md">Quick start</a>: a first result in five minutes.</li>
<li><a href="/docs">Reference</a>: every call, to try here; as <a href="/openapi.json">OpenAPI</a> for programs.</li>
<li><a href="/console">Console</a>: sign in with your key to see your inferences as they run.</li>
<li><a href="/llms.txt">All pages</a> of the documentation.</li>
<li><a href="/healthz">Health</a>: whether this deployment answers.</li>
</ul>
</main>
</html>
`;
}
