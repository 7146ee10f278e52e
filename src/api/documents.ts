/**
 * What is served beside the API, as files: the reference as a page, the same as OpenAPI, the pages of docs/ as Markdown, and the
 * console (made by src/local/public.mjs). The router asks here only where no route is, so a file can never hide a call.
 */
import { problem } from "../problem.ts";

const DOCUMENT = /^\/(?:openapi\.json|llms\.txt|llms-full\.txt|docs\/?|docs\/(?:guides\/)?[\w-][\w.-]*)$/;
/** The console's pages are one file, whatever their path; its session is a call. */
const CONSOLE = /^\/console(?:\/(?!session(?:\/|$)).*)?$/;
const CONSOLE_ASSET = /^\/console\/assets\/[\w-][\w.-]*$/;

/** The viewer draws its icons from `data:` URLs. Nothing inline, nothing from elsewhere. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Shows pictures, sound and films that it fetched itself. No text of anybody becomes markup: the browser refuses to make any. */
const CONSOLE_POLICY = `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'`;

export const isDocument = (path: string): boolean => DOCUMENT.test(path) || CONSOLE.test(path);

/** The file that a path shows. */
function fileOf(path: string): string {
  if (/^\/docs\/?$/.test(path)) return "/docs/index.html";
  return CONSOLE.test(path) && !path.startsWith("/console/assets/") ? "/console/index.html" : path;
}

/** Where the files are: the binding of static assets. */
interface Files {
  fetch(url: string, init: { readonly headers: Record<string, string> }): Promise<Response>;
}

/** The file at a path, null if there is none. Throws for other methods than GET and HEAD. */
export async function documentAt(request: Request, path: string, files: Files): Promise<Response | null> {
  if (!isDocument(path)) return null;
  const at = new URL(fileOf(path), request.url);
  const known = request.headers.get("if-none-match");
  const found = await files.fetch(at.href, { headers: known === null ? {} : { "If-None-Match": known } });
  if (found.status !== 200 && found.status !== 304) {
    await found.body?.cancel();
    return null;
  }
  if (request.method !== "GET" && request.method !== "HEAD") {
    await found.body?.cancel();
    throw problem("method_not_allowed", { detail: "This path takes GET, HEAD.", headers: { Allow: "GET, HEAD" } });
  }
  const headers = new Headers({
    // The name of a file of the console changes with its content.
    "Cache-Control": CONSOLE_ASSET.test(path) ? "public, max-age=31536000, immutable" : "public, max-age=0, must-revalidate",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": CONSOLE.test(path) ? CONSOLE_POLICY : POLICY,
    ...(CONSOLE.test(path) ? { "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin" } : {}),
  });
  const etag = found.headers.get("etag");
  if (etag !== null) headers.set("ETag", etag);
  if (found.status === 200) headers.set("Content-Type", typeOf(at.pathname));
  return new Response(found.body, { status: found.status, headers });
}

const TYPES: Readonly<Record<string, string>> = {
  json: "application/json",
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  md: "text/markdown; charset=utf-8",
};

const typeOf = (path: string) => TYPES[path.slice(path.lastIndexOf(".") + 1)] ?? "text/plain; charset=utf-8";
