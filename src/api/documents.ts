/**
 * What is served beside the API, as files: the reference as a page, the same as OpenAPI, and the pages of docs/ as Markdown (made by
 * src/local/public.mjs). The router asks here only where no route is, so a file can never hide a call.
 */
import { problem } from "../problem.ts";

const DOCUMENT = /^\/(?:openapi\.json|llms\.txt|llms-full\.txt|docs\/?|docs\/[\w-][\w.-]*)$/;
/** The viewer draws its icons from `data:` URLs. Nothing inline, nothing from elsewhere. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export const isDocument = (path: string): boolean => DOCUMENT.test(path);

/** Where the files are: the binding of static assets. */
interface Files {
  fetch(url: string, init: { readonly headers: Record<string, string> }): Promise<Response>;
}

/** The file at a path, null if there is none. Throws for other methods than GET and HEAD. */
export async function documentAt(request: Request, path: string, files: Files): Promise<Response | null> {
  if (!isDocument(path)) return null;
  const at = new URL(/^\/docs\/?$/.test(path) ? "/docs/index.html" : path, request.url);
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
    "Cache-Control": "public, max-age=0, must-revalidate",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": POLICY,
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
